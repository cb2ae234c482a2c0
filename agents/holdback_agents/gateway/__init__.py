"""The front door: who is there, where a message goes, what may pass, and what a person decided."""
