"""The compiler: from a graph of scalars to array statements to machine code. Start with README.md beside this file."""
