"""Exercise 11: from scalars to tensors."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import math
import random
from typing import TYPE_CHECKING, Any

from chainrule import MLP, Value
from chainrule.course.checking import Case, Checks, Diagnosis, Mistake
from chainrule.course.outcomes import Raises, has, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: dict[str, Any] = {"random": random, "MLP": MLP, "Value": Value, "chainrule": importlib.import_module("chainrule")}
if importlib.util.find_spec("numpy") is not None:
    NAMES["np"] = importlib.import_module("numpy")

MODEL = 'model = MLP(2, [3, 1], activation="tanh", rng=random.Random(0))\n'
ZERO = (  # it predicts 0
    "model = MLP(1, [1])\nfor p in model.parameters():\n    p.data = 0.0\nX = np.array([[1.0], [2.0]])\nY = np.array([1.0, 3.0])\n"
)
BATCH = "X = np.array([[1.0, 0.0], [2.0, 1.0]])\nY = np.array([1.0, 3.0])\n"
ONE_LAYER = "W, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0])\nX = np.array([[1.0, 0.0], [2.0, 1.0]])\n"
TWO_LAYERS = (
    "hidden = (np.array([[1.0]]), np.array([0.0]))\nlast = (np.array([[2.0]]), np.array([0.0]))\n"
    "outputs = forward([hidden, last], np.array([[1.0]]))\n"
)
LINE = (
    "weights = [(np.array([[1.0, 1.0]]), np.array([0.0]))]\n"
    "X = np.array([[1.0, 0.0], [2.0, 1.0]])\n"
    "P = np.array([[1.0], [3.0]])\n"
    "Y = np.array([0.0, 1.0])\n"
    "dW, db = backward(weights, [X, P], Y)[0]"
)
H = 0.7615941559557649  # tanh(1)
SHAPES = (
    "weights = [(np.ones((3, 2)), np.zeros(3)), (np.ones((1, 3)), np.zeros(1))]\n"
    "outputs = [np.ones((2, 2)), np.full((2, 3), 0.5), np.ones((2, 1))]\n"
    "gradients = backward(weights, outputs, np.array([0.0, 3.0]))"
)
CALLED = 'f = chainrule.compile(huber, batch="sum")\nfound = f([0.5, 3.0])'


def networks() -> Iterator[Case]:
    """Networks of several sizes with random weights, forward and backward."""
    rng = random.Random(11)
    for sizes in ([1, 1], [2, 2, 1], [3, 2, 4, 1]):
        n = rng.randint(2, 4)

        def array(*shape: int) -> str:
            row = [round(rng.uniform(-1, 1), 1) for _ in range(shape[-1])]
            return str(row if len(shape) == 1 else [[round(rng.uniform(-1, 1), 1) for _ in range(shape[1])] for _ in range(shape[0])])

        pairs = itertools.pairwise(sizes)
        weights = ",\n    ".join(f"(np.array({array(outputs, inputs)}), np.array({array(outputs)}))" for inputs, outputs in pairs)
        example = f"weights = [\n    {weights},\n]\nX = np.array({array(n, sizes[0])})\n"
        yield Case(example, "[H.tolist() for H in forward(weights, X)]", look="forward")
        example += f"Y = np.array({array(n)})\ngradients = backward(weights, forward(weights, X), Y)"
        yield Case(example, "[(dW.tolist(), db.tolist()) for dW, db in gradients]", look="backward")


DIAGNOSES = (
    # --- compile_loss
    Diagnosis(
        Case(f"{MODEL}loss = compile_loss(model)", 'hasattr(loss, "program")', True, look="compile_loss"),
        Mistake(
            "the loss is not compiled",
            wrong=False,
            says="The result is not a compiled function: it has no program. Return chainrule.compile(loss, batch='mean'), not loss itself.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}{BATCH}loss = compile_loss(model)", "isinstance(loss(X, Y).data, float)", True, look="compile_loss"),
        Mistake(
            "batch= is left out",
            wrong=Raises("TypeError", "got ndarray"),
            says="Without batch='mean', loss is called once with all of X, and the model treats each row of it as one input. With "
            "chainrule.compile(loss, batch='mean'), loss is called with a single row.",
        ),
    ),
    Diagnosis(
        Case(f"{ZERO}loss = compile_loss(model)", "loss(X, Y).data", look="compile_loss"),
        Mistake(
            "the function is written for a batch",
            wrong=Raises("TypeError", "iter"),
            says="With batch='mean', x is one row of X, a list of numbers, and y is one number, so a loop over samples does not work "
            "here. Write (model(x) - y) ** 2; the compiled function takes the mean over the samples.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}{BATCH}loss = compile_loss(model)", "isinstance(loss(X, Y).data, float)", look="compile_loss"),
        Mistake(
            "numbers are read while tracing",
            wrong=Raises("TraceError", "`.data` was read"),
            says="The compiler runs loss once, to see what it computes; .data would give it the number of that moment in place of the "
            "Value, and the program would always use that number. Compute with the Values themselves: (model(x) - y) ** 2.",
        ),
    ),
    Diagnosis(
        Case(f"{ZERO}loss = compile_loss(model)", "type(loss(X, Y)).__name__", "Value", look="compile_loss"),
        Mistake(
            "one result for each sample",
            wrong=one_of("ndarray", "list"),
            says="batch=None returns the loss of each sample separately. Training needs one number for the batch: use batch='mean'.",
        ),
    ),
    Diagnosis(
        Case(f"{ZERO}loss = compile_loss(model)", "loss(X, Y).data", 5.0, look="compile_loss"),
        Mistake(
            "a sum instead of a mean",
            wrong=10.0,
            says="The model predicts 0 here, so the squares are 1 and 9; their sum is 10, and the mean is 5. Use batch='mean', so that "
            "the size of the step does not depend on the number of samples.",
        ),
        Mistake(
            "the error is not squared",
            wrong=one_of(-2.0, 2.0),
            says="The model predicts 0 here, and 2 is the mean of the errors 1 and 3, without squares. The loss of a sample is the "
            "square of model(x) - y.",
        ),
    ),
    # --- matrices
    Diagnosis(
        Case(f"{MODEL}W, b = matrices(model)[0]", "(type(W).__name__, type(b).__name__)", ("ndarray", "ndarray"), look="matrices"),
        Mistake(
            "lists instead of arrays",
            wrong=has("list"),
            says="Lists have no matrix product. Put np.array(...) around the list of rows, and around the list of biases.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}W, b = matrices(model)[0]", "(str(W.dtype), str(b.dtype))", ("float64", "float64"), look="matrices"),
        Mistake(
            "arrays of Values",
            wrong=has("object"),
            says="An array of dtype object holds Values, and NumPy would calculate with them one by one. Use the numbers: w.data and "
            "neuron.b.data.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}W, b = matrices(model)[0]", "W.shape", (3, 2), look="matrices"),
        Mistake(
            "W is transposed",
            wrong=(2, 3),
            says="The layer has 3 neurons with 2 weights each. W has a row for each neuron, so its shape is (3, 2). Make an outer list "
            "over the neurons and an inner one over the weights, and do not use .T.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}W, b = matrices(model)[0]", "b.shape", (3,), look="matrices"),
        Mistake(
            "b is a column",
            wrong=one_of((3, 1), (1, 3)),
            says="b should be an array of 3 numbers, with one index. With a second index, it would be added to the samples instead of "
            "the neurons, or the sum would have another shape.",
        ),
    ),
    # --- forward
    Diagnosis(
        Case(f"{ONE_LAYER}outputs = forward([(W, b)], X)", "type(outputs).__name__", "list", look="forward"),
        Mistake(
            "the last output only",
            wrong="ndarray",
            says="This is only the last output. The way back needs the input of every layer, so return all of them in a list: X first, "
            "and the prediction last.",
        ),
    ),
    Diagnosis(
        Case(f"{ONE_LAYER}outputs = forward([(W, b)], X)", "len(outputs)", 2, look="forward"),
        Mistake(
            "X is not among the outputs",
            wrong=1,
            says="For one layer, the list has two arrays: X, and the output of the layer. The gradient of the first W needs X, so start "
            "with [X].",
        ),
    ),
    Diagnosis(
        Case(f"{ONE_LAYER}outputs = forward([(W, b)], X)", "outputs[-1].tolist()", [[11.0, 23.0], [14.0, 30.0]], look="forward"),
        Mistake(
            "the bias is forgotten",
            wrong=[[1.0, 3.0], [4.0, 10.0]],
            says="This is X @ W.T without b. Add b: NumPy adds it to every row.",
        ),
        Mistake(
            "X @ W without transposing W",
            wrong=[[11.0, 22.0], [15.0, 28.0]],
            says="X @ W uses the columns of W as neurons: 1 * 1 + 0 * 3 in place of 1 * 1 + 0 * 2. The weights of a neuron are a row of "
            "W. Here W is square, so the shapes fit either way, but the numbers are wrong. Write X @ W.T.",
        ),
        Mistake(
            "samples and neurons are exchanged",
            wrong=one_of([[11.0, 24.0], [23.0, 30.0]], [[11.0, 14.0], [13.0, 20.0]], [[11.0, 24.0], [13.0, 30.0]]),
            says="W @ X.T has a row for each neuron and a column for each sample, so b is added along the wrong axis. In every array the "
            "samples are the first index: write X @ W.T.",
        ),
        Mistake(
            "an elementwise product instead of a matrix product",
            wrong=one_of([[11.0, 20.0], [16.0, 24.0]], [[11.0, 20.0], [14.0, 24.0]]),
            says="* multiplies the numbers at the same place, and does not add them up. The sum over the inputs is a matrix product: use "
            "@.",
        ),
    ),
    Diagnosis(
        Case(
            "last = (np.array([[2.0]]), np.array([0.0]))\nP = forward([last], np.array([[1.0]]))[-1]", "P.tolist()", [[2.0]], look="forward"
        ),
        Mistake(
            "tanh after the last layer",
            wrong=[[0.9640275800758169]],
            says="This is tanh(2). The last layer is linear, because a prediction may be any number; tanh comes after the layers before "
            "it.",
        ),
    ),
    Diagnosis(
        Case(
            "hidden = last = (np.array([[1.0]]), np.array([0.0]))\noutputs = forward([hidden, last], np.array([[-1.0]]))",
            "outputs[1].tolist()",
            [[-H]],
            look="forward",
        ),
        Mistake(
            "no tanh at all",
            wrong=[[-1.0]],
            says="The first of two layers gives tanh(-1), and this is -1. Without tanh, two layers can do no more than one: the product "
            "of two matrices is a matrix.",
        ),
    ),
    # --- backward
    Diagnosis(
        Case(LINE, "dW.shape", (1, 2), look="backward"),
        Mistake(
            "P - Y becomes a square",
            wrong=(2, 2),
            says="P has the shape (2, 1) and Y the shape (2,). NumPy treats Y as a row and subtracts every target from every prediction, "
            "which gives an array of shape (2, 2). Make Y a column first: Y.reshape(-1, 1).",
        ),
        Mistake(
            "dW is transposed",
            wrong=(2, 1),
            says="A gradient has the same shape as the array it belongs to: W has shape (1, 2), and so must dW. X.T @ dZ is the "
            "transpose; write dZ.T @ X.",
        ),
    ),
    Diagnosis(
        Case(LINE, "db.shape", (1,), look="backward"),
        Mistake(
            "db is not summed",
            wrong=one_of((2, 1), (2,), (1, 2)),
            says="This has a number for each sample. The same b was added to every row, so its gradient is the sum over all rows: "
            "dZ.sum(axis=0).",
        ),
        Mistake(
            "b's gradient is one number for all",
            wrong=(),
            says="sum() without an axis adds up everything, the neurons too. The sum is over the samples only, which are axis 0.",
        ),
    ),
    Diagnosis(
        Case(LINE, "(dW.tolist(), db.tolist())", ([[5.0, 2.0]], [3.0]), look="backward"),
        Mistake(
            "the sign is wrong",
            wrong=([[-5.0, -2.0]], [-3.0]),
            says="The derivative of (P - Y)**2 with respect to P is 2 * (P - Y). With Y - P, every step of training would go uphill.",
        ),
        Mistake(
            "the mean is forgotten",
            wrong=([[10.0, 4.0]], [6.0]),
            says="These are the gradients of the sum of the squares. The loss is their mean, over 2 samples here: divide by len(Y), once, "
            "in the first dZ.",
        ),
        Mistake(
            "the 2 of the square is forgotten",
            wrong=([[2.5, 1.0]], [1.5]),
            says="The numbers are half of what they should be. The derivative of error**2 is 2 * error; or do you divide once too often?",
        ),
        Mistake(
            "db is divided again",
            wrong=([[5.0, 2.0]], [1.5]),
            says="dZ already contains the factor 1/n of the mean. Take the sum of the rows of dZ, not their mean.",
        ),
    ),
    Diagnosis(
        Case(SHAPES, "[dW.shape for dW, db in gradients]", [(3, 2), (1, 3)], look="backward"),
        Mistake(
            "the layers in the wrong order",
            wrong=[(1, 3), (3, 2)],
            says="You walk from the last layer to the first, so the gradients of the last layer come first. Reverse the list at the end: "
            "gradients[::-1].",
        ),
        Mistake(
            "the shapes do not fit on the way back",
            wrong=Raises("ValueError", "matmul"),
            says="A product on the way back has shapes that do not fit. Here dZ has shape (2, 1), for 2 samples and the one neuron of "
            "the last layer; W has shape (1, 3), and H, the input of the layer, has shape (2, 3). So dW is dZ.T @ H, and dZ @ W, "
            "without .T, goes to the layer before.",
        ),
    ),
    Diagnosis(
        Case(
            f"{TWO_LAYERS}gradients = backward([hidden, last], outputs, np.array([0.0]))", "float(gradients[0][0][0, 0])", look="backward"
        ),
        Mistake(
            "the slope of tanh is forgotten",
            wrong=8 * H,
            says="This is calculated from the gradient with respect to the output of the first layer. It still has to go through the "
            "tanh: multiply by 1 - H**2, where H is that output.",
        ),
        Mistake(
            "the slope of tanh at the wrong place",
            wrong=one_of(*(8 * H * (1 - x * x) for x in (math.tanh(H), 1.0, 2 * H, math.tanh(2 * H)))),
            says="1 - tanh(z)**2 is 1 - H**2, where H is the output of the tanh, which is outputs[number]. Do not apply tanh again, and "
            "do not use the input of the layer or the output of the next one.",
        ),
        Mistake(
            "the weights are left out on the way back",
            wrong=4 * H * (1 - H * H),
            says="The hidden neuron reaches the prediction through a weight of 2, so the gradient is twice this: dZ @ W, and then the "
            "slope of tanh.",
        ),
    ),
    # --- huber
    Diagnosis(
        Case(CALLED, "found.data", look="huber"),
        Mistake(
            "an if on a number that is not known yet",
            wrong=Raises("TraceError", "were compared"),
            says="An if (or max, or a comparison) needs a number, and while the function is traced there is none. Calculate both sides "
            "and choose: where(greater(abs(error), 1), ..., ...).",
        ),
        Mistake(
            "the number is taken out of the Value",
            wrong=Raises("TraceError"),
            says="The number behind a Value, by .data or float(), is known only when the program runs. Compute with the Value itself: "
            "where(greater(abs(error), 1), ..., ...).",
        ),
    ),
    Diagnosis(
        Case("near, far = huber(Value(0.5)), huber(Value(3.0))", "(near.data, far.data)", (0.125, 2.5), look="huber"),
        Mistake(
            "the two sides are exchanged",
            wrong=(0.0, 4.5),
            says="0.5 gets the formula for large errors, and 3 gets the square. where(condition, a, b) gives a where the condition is "
            "true.",
        ),
    ),
    Diagnosis(
        Case("far = huber(Value(-3.0))", "far.data", 2.5, look="huber"),
        Mistake(
            "negative errors are taken for small ones",
            wrong=4.5,
            says="-3 is not greater than 1, but it is still a large error. Compare abs(error) with 1.",
        ),
        Mistake(
            "a negative loss",
            wrong=-3.5,
            says="This is -3 - 0.5. Beyond 1 the loss is abs(error) - 0.5.",
        ),
    ),
    Diagnosis(
        Case("far = huber(Value(3.0))", "far.data", 2.5, look="huber"),
        Mistake(
            "a jump at 1",
            wrong=one_of(3.0, 2.0),
            says="At an error of 1 the square gives 0.5, and the other formula must give the same there: abs(error) - 0.5.",
        ),
    ),
)

CHECKS = Checks(
    requires=("compile_loss", "matrices", "forward", "backward", "huber"),
    diagnoses=DIAGNOSES,
    cases=(
        Case(
            f"{MODEL}{BATCH}loss = compile_loss(model)\nfound = loss(X, Y)\nfound.backward()",
            "(found.data, [w.grad for w in model.layers[0].neurons[0].w])",
            look="compile_loss",
        ),
        Case(f"{MODEL}weights = matrices(model)", "[(W.tolist(), b.tolist()) for W, b in weights]", look="matrices"),
        Case(
            "model = MLP(1, [2, 3, 1], rng=random.Random(1))\nweights = matrices(model)",
            "[(W.shape, b.shape) for W, b in weights]",
            look="matrices",
        ),
        Case(f"{ONE_LAYER}outputs = forward([(W, b)], X)", "[H.tolist() for H in outputs]", look="forward"),
        Case(f"{ONE_LAYER}outputs = forward([(W, b)], X)", "(X.tolist(), W.tolist(), b.tolist())", look="forward"),
        Case(TWO_LAYERS, "[H.tolist() for H in outputs]", look="forward"),
        Case(
            f"{MODEL}X = [[1.0, 0.0], [2.0, 1.0]]\nP = forward(matrices(model), np.array(X))[-1]",
            "[float(P[n, 0] - model(x).data) < 1e-12 for n, x in enumerate(X)]",
            right=[True, True],
            look="forward",
        ),
        Case(LINE, "(dW.tolist(), db.tolist())", look="backward"),
        Case(
            f"{TWO_LAYERS}gradients = backward([hidden, last], outputs, np.array([0.0]))",
            "[(dW.tolist(), db.tolist()) for dW, db in gradients]",
            look="backward",
        ),
        Case("near, far = huber(Value(0.5)), huber(Value(3.0))", "(near.data, far.data)", look="huber"),
        Case("near, far = huber(Value(-0.5)), huber(Value(-3.0))", "(near.data, far.data)", look="huber"),
        Case("error = Value(-3.0)\nhuber(error).backward()", "error.grad", look="huber"),
        Case("error = Value(0.5)\nhuber(error).backward()", "error.grad", look="huber"),
        Case(CALLED, "found.data", right=2.625, look="huber"),
    ),
    more=networks,
    seconds=8.0,
    names=NAMES,
)
