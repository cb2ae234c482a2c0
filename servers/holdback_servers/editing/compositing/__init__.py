"""What is seen on each frame of a cut, and the finished picture made from it."""
