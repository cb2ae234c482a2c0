"""Many files at once: found in a folder, described by a sheet beside them, taken in each by itself."""
