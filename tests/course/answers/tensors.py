"""Exercise 11: wrong answers, for each known mistake one, and right ones in other styles."""

LOSS = "        return (model(x) - y) ** 2\n"
COMPILED = 'return chainrule.compile(loss, batch="mean")'
PRODUCT = "outputs[-1] @ W.T + b"
FIRST = "dZ = 2 * (P - Y.reshape(-1, 1)) / len(Y)"
PAIR = "gradients.append((dZ.T @ H, dZ.sum(axis=0)))"
BACK = "dZ = (dZ @ W) * (1 - H**2)"
WHERE = "    return where(greater(abs(error), 1), abs(error) - 0.5, error**2 / 2)"

WRONG = {
    "the loss is not compiled": [(COMPILED, "return loss")],
    "batch= is left out": [(COMPILED, "return chainrule.compile(loss)")],
    "the function is written for a batch": [(LOSS, "        return sum((model(row) - t) ** 2 for row, t in zip(x, y)) / len(x)\n")],
    "numbers are read while tracing": [(LOSS, "        return (model(x).data - y) ** 2\n")],
    "one result for each sample": [(COMPILED, "return chainrule.compile(loss, batch=None)")],
    "a sum instead of a mean": [(COMPILED, 'return chainrule.compile(loss, batch="sum")')],
    "the error is not squared": [(LOSS, "        return abs(model(x) - y)\n")],
    "lists instead of arrays": [
        ("np.array([[w.data for w in neuron.w] for neuron in layer.neurons])", "[[w.data for w in neuron.w] for neuron in layer.neurons]")
    ],
    "arrays of Values": [("[[w.data for w in neuron.w]", "[[w for w in neuron.w]")],
    "W is transposed": [("for neuron in layer.neurons]),\n            np", "for neuron in layer.neurons]).T,\n            np")],
    "b is a column": [("[neuron.b.data for", "[[neuron.b.data] for")],
    "the last output only": [("    return outputs\n", "    return outputs[-1]\n")],
    "X is not among the outputs": [("    return outputs\n", "    return outputs[1:]\n")],
    "the bias is forgotten": [(PRODUCT, "outputs[-1] @ W.T")],
    "X @ W without transposing W": [(PRODUCT, "outputs[-1] @ W + b")],
    "samples and neurons are exchanged": [(PRODUCT, "W @ outputs[-1].T + b")],
    "an elementwise product instead of a matrix product": [(PRODUCT, "outputs[-1] * W + b")],
    "tanh after the last layer": [("Z if is_last else np.tanh(Z)", "np.tanh(Z)")],
    "no tanh at all": [("Z if is_last else np.tanh(Z)", "Z")],
    "P - Y becomes a square": [("Y.reshape(-1, 1)", "Y")],
    "dW is transposed": [(PAIR, "gradients.append((H.T @ dZ, dZ.sum(axis=0)))")],
    "db is not summed": [(PAIR, "gradients.append((dZ.T @ H, dZ))")],
    "b's gradient is one number for all": [(PAIR, "gradients.append((dZ.T @ H, dZ.sum()))")],
    "the sign is wrong": [("(P - Y.reshape(-1, 1))", "(Y.reshape(-1, 1) - P)")],
    "the mean is forgotten": [(FIRST, FIRST.removesuffix(" / len(Y)"))],
    "the 2 of the square is forgotten": [(FIRST, FIRST.replace("2 * ", ""))],
    "db is divided again": [(PAIR, "gradients.append((dZ.T @ H, dZ.mean(axis=0)))")],
    "the layers in the wrong order": [("return gradients[::-1]", "return gradients")],
    "the shapes do not fit on the way back": [(BACK, "dZ = (dZ @ W.T) * (1 - H**2)")],
    "the slope of tanh is forgotten": [(BACK, "dZ = dZ @ W")],
    "the slope of tanh at the wrong place": [(BACK, "dZ = (dZ @ W) * (1 - np.tanh(H)**2)")],
    "the weights are left out on the way back": [(BACK, "dZ = dZ * (1 - H**2) * np.sign(W[0])")],
    "an if on a number that is not known yet": [
        (WHERE, "    if abs(error) > 1:\n        return abs(error) - 0.5\n    return error**2 / 2")
    ],
    "the number is taken out of the Value": [
        (WHERE, "    return abs(error) - 0.5 if abs(getattr(error, 'data', error)) > 1 else error**2 / 2")
    ],
    "the two sides are exchanged": [(WHERE, "    return where(greater(abs(error), 1), error**2 / 2, abs(error) - 0.5)")],
    "negative errors are taken for small ones": [(WHERE, WHERE.replace("greater(abs(error), 1)", "greater(error, 1)"))],
    "a negative loss": [(WHERE, WHERE.replace("abs(error) - 0.5", "error - 0.5"))],
    "a jump at 1": [(WHERE, WHERE.replace("abs(error) - 0.5", "abs(error)"))],
}

RIGHT = {
    "loops, einsum and minimum": """
import chainrule
import numpy as np
from chainrule import minimum

def compile_loss(model):
    @chainrule.compile(batch="mean")
    def loss(x, y):
        for layer in model.layers[:-1]:
            x = [(sum(w * xi for w, xi in zip(neuron.w, x)) + neuron.b).tanh() for neuron in layer.neurons]
        last = model.layers[-1].neurons[0]
        error = sum((w * xi for w, xi in zip(last.w, x)), last.b) - y
        return error * error
    return loss

def matrices(model):
    weights = []
    for layer in model.layers:
        W = np.zeros((len(layer.neurons), len(layer.neurons[0].w)))
        b = np.zeros(len(layer.neurons))
        for i, neuron in enumerate(layer.neurons):
            b[i] = neuron.b.data
            for j, w in enumerate(neuron.w):
                W[i, j] = w.data
        weights.append([W, b])
    return weights

def forward(weights, X):
    *hidden, (W, b) = weights
    outputs = [np.asarray(X)]
    for V, c in hidden:
        outputs.append(np.tanh(np.einsum("nj,ij->ni", outputs[-1], V) + c))
    return outputs + [(W @ outputs[-1].T).T + b[None, :]]

def backward(weights, outputs, Y):
    D = (outputs[-1] - np.array(Y)[:, None]) * (2.0 / len(Y))
    found = []
    for (W, b), H in zip(weights[::-1], outputs[-2::-1]):
        found.insert(0, [np.einsum("ni,nj->ij", D, H), np.ones(len(D)) @ D])
        D = np.einsum("ni,ij->nj", D, W) * (1 - H) * (1 + H)
    return found

def huber(error):
    size = abs(error)
    inner = minimum(size, 1)
    return inner * (size - inner / 2)
""",
    "a lambda, tuples and recursion": """
import chainrule
import numpy as np
from chainrule import where, greater

def compile_loss(model):
    return chainrule.compile(lambda x, y: (y - model(x)) ** 2, batch="mean")

def matrices(model):
    numbers = lambda values: [v.data for v in values]
    return tuple((np.array([numbers(n.w) for n in l.neurons]), np.array(numbers(n.b for n in l.neurons))) for l in model.layers)

def forward(weights, X):
    (W, b), rest = weights[0], weights[1:]
    Z = np.dot(X, W.T) + b
    return [X, *(forward(rest, np.tanh(Z)) if rest else [Z])]

def backward(weights, outputs, Y):
    n = Y.shape[0]

    def back(number, dZ):
        W, _ = weights[number]
        pair = (dZ.T @ outputs[number], dZ.sum(0))
        if number == 0:
            return [pair]
        return back(number - 1, dZ @ W - dZ @ W * outputs[number] ** 2) + [pair]

    return back(len(weights) - 1, (outputs[-1][:, 0] - Y)[:, np.newaxis] * 2 / n)

def huber(error):
    square = error * error * 0.5
    return where(greater(square, 0.5), where(greater(error, 0), error, -error) - 0.5, square)
""",
}
