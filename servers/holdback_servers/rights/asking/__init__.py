"""The rights tools that ask beyond one cut: references, what ends soon, conflicts, and what a change would touch."""
