"""How loud sound is, and what files measure."""
