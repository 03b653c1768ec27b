"""What is kept of a compiled program, and what a call of it does."""
