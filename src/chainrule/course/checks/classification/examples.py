"""Exercise 9: examples that several diagnoses share."""

from __future__ import annotations

TWO = "a, b = Value(0.0), Value(math.log(3))\n"  # the probabilities are 1/4 and 3/4
ONE_STEP = "p = Value(1.0)\n{}\np.grad = 2.0\noptimizer.step()"
THREE_STEPS = "p = Value(1.0)\n{}\nfor g in (2.0, 2.0, 2.0):\n    p.grad = g\n    optimizer.step()"
TWO_STEPS = "p = Value(1.0)\n{}\nfor g in (2.0, 1.0):\n    p.grad = g\n    optimizer.step()"
TWO_PARAMETERS = "p, q = Value(1.0), Value(1.0)\n{}\np.grad, q.grad = 2.0, -1.0\noptimizer.step()"
PLAIN, MOMENTUM = "optimizer = SGD([p], lr=0.1)", "optimizer = SGD([p], lr=0.1, momentum=0.9)"
ADAM = "optimizer = Adam([p], lr=0.1)"
