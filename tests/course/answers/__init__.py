"""Answers to the exercises: for each known mistake one that makes it, and right ones in other styles."""
