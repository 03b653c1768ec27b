"""Exercise 4: examples that several diagnoses share."""

from __future__ import annotations

AB = "a = Value(2.0)\nb = Value(-3.0)\n"
LADDER = (
    'a = Value(2.0, label="a")\n'
    'b = a * a\nb.label = "b"\n'
    'c = a * b\nc.label = "c"\n'
    'd = b * c\nd.label = "d"\n'
    "order = [node.label for node in d.topological_order()]"
)
SHARED = "a = Value(2.0)\nb = a * 3\nL = b * 4 + b * 5\nL.backward()"
CHAIN = "a = Value(2.0)\nb = a * 3\nL = b * 4\nL.backward()"
