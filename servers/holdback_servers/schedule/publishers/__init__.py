"""How what is on show reaches the world: into a folder, or to an address that the house's settings name."""
