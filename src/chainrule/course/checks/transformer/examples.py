"""Exercise 12: examples that several diagnoses share."""

from __future__ import annotations

TWO = "query = vector(4, 0, 0, 0)\nkeys = [vector(1, 0, 0, 0), vector(0, 1, 0, 0)]\nvalues = [vector(10, 0), vector(5, 20)]\n"
ATTEND = f"{TWO}result = attend(query, keys, values)"
SHOWN = "[number.data for number in result]"
NORM = "result = rmsnorm(vector(3, 1))"
TINY = "result = rmsnorm(vector(0.003, 0.001))"  # the mean of the squares is 0.000005
MODEL = "model = Transformer(tokens=3, positions=6, size=4, heads=2, rng=random.Random(1))\n"
XS = "xs = [vector(1, 0, 2, 0), vector(0, 1, 0, 1), vector(2, 1, 0, 0)]\n"
NO_ATTENTION = "model.out = [vector(0, 0, 0, 0) for _ in range(4)]\n"
NO_PERCEPTRON = "model.narrow = [vector(0, 0, 0, 0, 0, 0, 0, 0) for _ in range(4)]\n"
NUMBERS = "[[number.data for number in x] for x in result]"
BLOCK = "x = vector(3, 1, 0, 0)\nresult = block(model, [x])"
ZERO = f"{MODEL}for p in model.parameters():\n    p.data = 0.0\n"
# After a token comes the next one, whatever else there is: 0, 1, 2, 0.
CHAIN = f"{ZERO}for t in range(3):\n    model.token[t][t].data = 1.0\n    model.unembed[(t + 1) % 3][t].data = 30.0\n"
# The same, but by the place and not by the token.
PLACES = CHAIN.replace("model.token[t][t]", "model.position[t][t]")
UNIT = "model.query = model.key = model.value = model.out = [vector(*(float(i == k) for k in range(4))) for i in range(4)]\n"
APART = f"{MODEL}{UNIT}result = attention(model, [vector(1, 2, 3, 4), vector(2, 0, 0, 1)])"
