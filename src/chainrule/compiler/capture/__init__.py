"""Python becomes a graph as arrays: the function is traced, its arguments and results are checked, and the graph is recorded."""
