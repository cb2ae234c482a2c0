"""Content credentials (C2PA) of what this room delivers: the house's certificates, the manifest, and writing it."""
