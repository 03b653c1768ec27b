"""A program as people read it: a listing in index notation, and a picture."""
