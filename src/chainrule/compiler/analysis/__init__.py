"""A graph as arrays becomes statements: nodes that are computed alike, the strides of their operands, and what needs no memory."""
