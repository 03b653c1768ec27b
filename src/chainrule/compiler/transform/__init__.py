"""Statements become other statements: the adjoint, fused groups, loops, and a place in memory for each buffer."""
