"""The one form that programs have: statements over axes, and the oracle that carries them out."""
