"""Exercise 10: examples that several diagnoses share."""

from __future__ import annotations

RELU = (
    "model = MLP(1, [3, 1], rng=random.Random(0))\n"
    "for neuron, weight in zip(model.layers[0].neurons, (1.0, -1.0, -1.0)):\n    neuron.w[0].data = weight\n"
)
DEEPER = "model = MLP(1, [2, 4, 1])\nfor p in model.parameters():\n    p.data = 0.5\nmodel.layers[0].neurons[1].w[0].data = -1.0\n"
TANH = (
    'model = MLP(1, [3, 1], activation="tanh", rng=random.Random(0))\n'
    "for neuron, weight in zip(model.layers[0].neurons, (9.0, -9.0, 0.1)):\n    neuron.w[0].data = weight\n"
)
NORMS = "model = MLP(2, [1, 1])\nfor p, g in zip(model.parameters(), (2, -3, 6, 3, -4)):\n    p.data, p.grad = 1.0, g\n"
CLIP = "p, q = Value(7.0), Value(7.0)\np.grad, q.grad = 3.0, 4.0\nnorm = clip_gradients([p, q], {})"
DRAWN = (
    "rng = random.Random(0)\nweights = [initial_weight(rng, 100, 4) for _ in range(5000)]\n"
    "mean = sum(weights) / 5000\ndeviation = math.sqrt(sum((w - mean) ** 2 for w in weights) / 5000)"
)
DRAWN_SHOWS = "(round(abs(10 * mean), 1), round(10 * deviation, 1))"  # of what should be 0 and 1/10
DRAWN_RIGHT = (0.0, 1.0)
