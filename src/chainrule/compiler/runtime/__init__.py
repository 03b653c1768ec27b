"""A compiled program, and its calls."""
