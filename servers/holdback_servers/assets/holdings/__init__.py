"""How what belongs to no single file is kept: works, collections, legal holds. Each function is part of a unit."""
