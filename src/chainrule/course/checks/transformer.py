"""Exercise 12: a tiny transformer."""

from __future__ import annotations

import importlib
import math
import random
from typing import TYPE_CHECKING, Any

from chainrule import Value
from chainrule.course.checking import Case, Checks, Mistake, Question
from chainrule.course.example_names import vector
from chainrule.course.outcomes import Raises, about, has, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator


TWO = "query = vector(4, 0, 0, 0)\nkeys = [vector(1, 0, 0, 0), vector(0, 1, 0, 0)]\nvalues = [vector(10, 0), vector(5, 20)]\n"
ATTEND = f"{TWO}result = attend(query, keys, values)"
SHOWN = "[number.data for number in result]"


def attended(score: float) -> list[float]:
    """What that gives if the first of the two scores is `score`, and the other 0."""
    weight = 1 / (1 + math.exp(-score))
    return [weight * 10 + (1 - weight) * 5, (1 - weight) * 20]


def close(found: Any, expected: list[float], tolerance: float = 1e-4) -> bool:
    """Whether a list of numbers is the expected one, nearly."""
    return len(found) == len(expected) and all(abs(a - b) < tolerance for a, b in zip(found, expected, strict=True))


RIGHT = attended(2.0)

NORM = "result = rmsnorm(vector(3, 1))"
NORMAL = [1.3416394445136132, 0.4472131481712044]

TINY = "result = rmsnorm(vector(0.003, 0.001))"  # the mean of the squares is 0.000005

MODEL = "model = Transformer(tokens=3, positions=6, size=4, heads=2, rng=random.Random(1))\n"
XS = "xs = [vector(1, 0, 2, 0), vector(0, 1, 0, 1), vector(2, 1, 0, 0)]\n"
NO_ATTENTION = "model.out = [vector(0, 0, 0, 0) for _ in range(4)]\n"
NO_PERCEPTRON = "model.narrow = [vector(0, 0, 0, 0, 0, 0, 0, 0) for _ in range(4)]\n"
NUMBERS = "[[number.data for number in x] for x in result]"
BLOCK = "x = vector(3, 1, 0, 0)\nresult = block(model, [x])"
SIZES = (
    "small = block(model, [vector(1, 2, 3, 4)])[0]\n"
    "large = block(model, [vector(100, 200, 300, 400)])[0]\n"
    "added_to_small = [number.data - x for number, x in zip(small, [1, 2, 3, 4])]\n"
    "added_to_large = [number.data - x for number, x in zip(large, [100, 200, 300, 400])]"
)
SIZES_SHOWN = "sum(map(abs, added_to_large)) / sum(map(abs, added_to_small))"

ZERO = f"{MODEL}for p in model.parameters():\n    p.data = 0.0\n"
# After a token comes the next one, whatever else there is: 0, 1, 2, 0.
CHAIN = f"{ZERO}for t in range(3):\n    model.token[t][t].data = 1.0\n    model.unembed[(t + 1) % 3][t].data = 30.0\n"
SAME = CHAIN + "    model.unembed[t][t].data = 10.0\n"
# The same, but by the place and not by the token.
PLACES = CHAIN.replace("model.token[t][t]", "model.position[t][t]")


UNIT = "model.query = model.key = model.value = model.out = [vector(*(float(i == k) for k in range(4))) for i in range(4)]\n"
APART = f"{MODEL}{UNIT}result = attention(model, [vector(1, 2, 3, 4), vector(2, 0, 0, 1)])"


def attended_apart(*parts: tuple[int, ...]) -> list[float]:
    """What the second position finds there if the heads use these places of the vectors, one head's results after another's."""
    first, second = (1.0, 2.0, 3.0, 4.0), (2.0, 0.0, 0.0, 1.0)
    found = []
    for part in parts:
        a, b = (math.exp(sum(second[i] * x[i] for i in part) / len(part) ** 0.5) for x in (first, second))
        found += [(a * first[i] + b * second[i]) / (a + b) for i in part]
    return found


def is_interleaved(found: Any) -> bool:
    """Whether each head has taken every second number, and its results were put one after another, or back where they were from."""
    second = attended_apart((0, 2), (1, 3))
    joined, put_back = [1.0, 3.0, 2.0, 4.0], [1.0, 2.0, 3.0, 4.0]
    return (close(found[0], joined) and close(found[1], second)) or (
        close(found[0], put_back) and close(found[1], [second[i] for i in (0, 2, 1, 3)])
    )


def words() -> Iterator[Case]:
    """Words of several lengths, with models of several sizes."""
    rng = random.Random(12)
    for length, size, heads in ((1, 2, 1), (2, 2, 2), (3, 4, 2), (4, 6, 3)):
        tokens = [0, *(rng.randrange(1, 4) for _ in range(length)), 0]
        example = (
            f"model = Transformer(tokens=4, positions=6, size={size}, heads={heads}, rng=random.Random({length}))\n"
            f"tokens = {tokens}\nloss = loss_of(model, tokens)\nloss.backward()"
        )
        yield Case(example, "loss.data", look="loss_of", tolerance=1e-4)
        yield Case(example, "model.query[0][0].grad", look="loss_of", tolerance=1e-3)


def _is_not_zero(found: Any) -> bool:
    """Not all numbers of these vectors are 0."""
    return any(abs(number) > 1e-9 for row in found for number in row)


def _grows(found: Any) -> bool:
    """What is added grows with the vector, about a hundredfold; a wrong rmsnorm gives other numbers."""
    return bool(10 < found < 1000)


QUESTIONS = (
    # --- attend
    Question(
        Case(ATTEND, SHOWN, RIGHT, look="attend"),
        Mistake(
            "no softmax",
            wrong=one_of([20.0, 0.0], [40.0, 0.0]),
            says="The values are multiplied by the scores themselves, 2 and 0. Make weights of them first, which are positive and add up "
            "to 1: softmax(scores).",
        ),
        Mistake(
            "the scores are not scaled",
            wrong=attended(4.0),
            says="The weights here are the softmax of 4 and 0. Divide each score by sqrt(d), where d is the length of the query: 4 / "
            "sqrt(4) is 2.",
        ),
        Mistake(
            "scaled by d, not by its root",
            wrong=attended(1.0),
            says="The score 4 was divided by 4, the length of the query. Divide by the root of it, 2.",
        ),
        Mistake(
            "scaled by the number of keys",
            wrong=attended(4 / 2**0.5),
            says="The score 4 was divided by sqrt(2), and 2 is the number of keys. What counts is the length of the query, 4: so many "
            "products are added up in a score.",
        ),
        Mistake(
            "the keys are mixed in place of the values",
            wrong=lambda found: isinstance(found, list) and len(found) == 4,
            says="The result has 4 numbers, as many as a key; it should have 2, as a value has. The keys are only for the weights. What "
            "is weighted and added up are the values.",
        ),
        Mistake(
            "one number for each position",
            wrong=[8.807970779778824, 6.788043830331766],
            says="This is the product of the weights with each value. A sum over the positions is wanted, for each place i in a value: "
            "dot(weights, [value[i] for value in values]).",
        ),
    ),
    # --- rmsnorm
    Question(
        Case("result = rmsnorm(vector(0, 0))", SHOWN, [0.0, 0.0], look="rmsnorm"),
        Mistake(
            "division by zero",
            wrong=lambda found: not all(map(math.isfinite, found)),
            says="The mean of the squares of zeros is 0, and 0 / 0 is nan. Add 0.00001 to the mean before you take the root.",
        ),
    ),
    Question(
        Case(NORM, SHOWN, NORMAL, look="rmsnorm", tolerance=1e-4),
        Mistake(
            "a sum of squares instead of their mean",
            wrong=[0.9486832980505138, 0.31622776601683794],
            says="The numbers were divided by the root of 10, the sum of the squares 9 and 1. It should be the root of their mean, 5: "
            "divide by len(x).",
        ),
        Mistake(
            "the root is forgotten",
            wrong=[0.6, 0.2],
            says="The numbers were divided by 5, the mean of the squares itself. Divide by its root.",
        ),
        Mistake(
            "multiplied instead of divided",
            wrong=[6.70820393249937, 2.23606797749979],
            says="The numbers were multiplied by the root of 5, and should be divided by it: the exponent is -0.5.",
        ),
        Mistake(
            "the mean is subtracted",
            wrong=[1.0, -1.0],
            says="This is the layer normalisation of older transformers, which takes the mean away first. Here nothing is subtracted: "
            "only divide, by the root of the mean of the squares.",
        ),
    ),
    Question(
        Case(TINY, SHOWN, [0.7745966692414834, 0.25819888974716115], look="rmsnorm", tolerance=1e-6),
        Mistake(
            "0.00001 outside the root",
            wrong=about([0.003 / (5e-6**0.5 + 1e-5), 0.001 / (5e-6**0.5 + 1e-5)]),
            says="The mean of the squares is 0.000005. Here 0.00001 was added to its root; it is added to the mean itself, before the "
            "root: sqrt(0.000005 + 0.00001).",
        ),
    ),
    # --- attention
    Question(
        Case(f"{MODEL}result = attention(model, [vector(1, 0, 2, 0)])", "len(result)", 1, look="attention"),
        Mistake(
            "a position does not see itself",
            wrong=Raises("ValueError", "no values"),
            says="Position 0 got no keys at all: keys[:t] ends before t. A position sees those before it and itself: keys[: t + 1].",
        ),
    ),
    Question(
        Case(
            f"{MODEL}{XS}alone = attention(model, xs[:1])[0]\nfirst = attention(model, xs)[0]",
            "max(abs(a.data - b.data) for a, b in zip(alone, first)) < 1e-9",
            True,
            look="attention",
        ),
        Mistake(
            "a look into the future",
            wrong=False,
            says="What position 0 finds changes when others come after it, so it looks at them. In training it would read off the answer, "
            "and learn nothing. Give attend only keys[: t + 1] and values[: t + 1].",
        ),
    ),
    Question(
        Case(f"{MODEL}{XS}result = attention(model, xs)", NUMBERS, look="attention"),
        Mistake(
            "the heads are not joined",
            wrong=Raises("ValueError", "got 4 weights and 2 inputs"),
            says="model.out takes 4 numbers and was given 2, those of a single head. Put the results of the heads one after another: "
            "found += attend(...).",
        ),
    ),
    Question(
        Case(APART, NUMBERS, look="attention"),
        Mistake(
            "every second number for a head",
            wrong=is_interleaved,
            says="Head 0 used the numbers 0 and 2 of the vectors, and head 1 the numbers 1 and 3. It should be 0 and 1 for head 0, 2 and "
            "3 for head 1: each head's numbers are next to each other, slice(head * size, (head + 1) * size).",
        ),
    ),
    Question(
        Case(
            f"{MODEL}{XS}two = attention(model, xs)[2]\nmodel.heads = 1\none = attention(model, xs)[2]",
            "max(abs(a.data - b.data) for a, b in zip(one, two)) > 1e-9",
            True,
            look="attention",
        ),
        Mistake(
            "the heads make no difference",
            wrong=False,
            says="One head and two heads give the same. Each head must attend with its own part of the queries, keys and values, and so "
            "with weights of its own.",
        ),
    ),
    Question(
        Case(f"{MODEL}{XS}{NO_ATTENTION}result = attention(model, xs)", NUMBERS, [[0.0] * 4] * 3, look="attention"),
        Mistake(
            "model.out is forgotten",
            wrong=_is_not_zero,
            says="model.out is all zeros here, and the results are not: what the heads found must go through linear(model.out, ...).",
        ),
    ),
    Question(
        Case(
            f"{MODEL}{XS}model.value = [vector(0, 0, 0, 0) for _ in range(4)]\nresult = attention(model, xs)",
            NUMBERS,
            [[0.0] * 4] * 3,
            look="attention",
        ),
        Mistake(
            "values without model.value",
            wrong=_is_not_zero,
            says="model.value is all zeros here, so every value is, and so must be their mean. The values are linear(model.value, x), and "
            "neither x itself nor the keys.",
        ),
    ),
    # --- block
    Question(
        Case(f"{MODEL}{NO_PERCEPTRON}{BLOCK}", NUMBERS, look="block"),
        Mistake(
            "the perceptron replaces the vector",
            wrong=[[0.0] * 4],
            says="model.narrow is zero here, so the perceptron has nothing to say, and the vector should pass unchanged. Add: add(x, "
            "linear(model.narrow, ...)).",
        ),
    ),
    Question(
        Case(f"{MODEL}{NO_ATTENTION}{NO_PERCEPTRON}{BLOCK}", NUMBERS, [[3.0, 1.0, 0.0, 0.0]], look="block"),
        Mistake(
            "attention replaces the vector",
            wrong=[[0.0] * 4],
            says="Attention and perceptron have nothing to say here (model.out and model.narrow are zero), so x should come out as it "
            "went in. What attention finds is added to x, and does not take its place.",
        ),
        Mistake(
            "the normalised vector is kept",
            wrong=one_of([[3 / 2.5**0.5, 1 / 2.5**0.5, 0.0, 0.0]], tolerance=1e-4),
            says="This is rmsnorm(x). Attention and perceptron read the normalised vector, but what they find is added to x itself.",
        ),
    ),
    Question(
        Case(
            f"{MODEL}{NO_ATTENTION}model.widen = [vector(-1, -1, -1, -1) for _ in range(8)]\n{BLOCK}",
            NUMBERS,
            [[3.0, 1.0, 0.0, 0.0]],
            look="block",
        ),
        Mistake(
            "the relu is forgotten",
            wrong=lambda found: len(found[0]) == 4 and found != [[3.0, 1.0, 0.0, 0.0]],
            says="All hidden numbers of the perceptron are negative here. relu makes 0 of each, and nothing should be added to x; without "
            "it the perceptron is one more matrix.",
        ),
    ),
    Question(
        Case(f"{MODEL}{NO_PERCEPTRON}{SIZES}", SIZES_SHOWN, 1.0, look="block", tolerance=1e-4),
        Mistake(
            "attention reads vectors that are not normalised",
            wrong=_grows,
            says="What attention adds grows with the vector. It should read rmsnorm(x), which is the same for a vector and for a hundred "
            "times that vector.",
        ),
    ),
    Question(
        Case(f"{MODEL}{NO_ATTENTION}{SIZES}", SIZES_SHOWN, 1.0, look="block", tolerance=1e-4),
        Mistake(
            "the perceptron reads vectors that are not normalised",
            wrong=_grows,
            says="What the perceptron adds grows with the vector. It should read rmsnorm of the sum that came out of the attention step.",
        ),
    ),
    # --- logits
    Question(
        Case(
            f"{MODEL}first, second = logits(model, [1, 1])",
            "max(abs(a.data - b.data) for a, b in zip(first, second)) > 1e-9",
            True,
            look="logits",
        ),
        Mistake(
            "the position is forgotten",
            wrong=False,
            says="The same token at two places gets the same scores: the model cannot tell the first letter from the second. Add the row "
            "of model.position to that of model.token.",
        ),
    ),
    Question(
        Case(f"{MODEL}result = logits(model, [0, 1])", "len(result)", 2, look="logits"),
        Mistake(
            "the scores of one position only",
            wrong=one_of(1, 3),
            says="Two tokens make two positions, and each has scores of its own. Return a list with the scores of every position.",
        ),
    ),
    Question(
        Case(f"{MODEL}result = logits(model, [1])[0]", "sum(score.data for score in result)", look="logits"),
        Mistake(
            "chances instead of scores",
            wrong=1.0,
            says="These numbers are positive and add up to 1, so softmax has been at work. Leave the scores as they are: cross_entropy "
            "applies it by itself, and twice is once too often.",
        ),
    ),
    Question(
        Case(f"{CHAIN}result = logits(model, [1])[0]", "result[2].data", 59.9988000359988, look="logits", tolerance=1e-4),
        Mistake(
            "no norm before the scores",
            wrong=30.0,
            says="The vector that comes out of the block here is [0, 1, 0, 0], and its rmsnorm is [0, 2, 0, 0]; the score is 30 times "
            "that. Normalise before model.unembed.",
        ),
    ),
    Question(
        Case(
            f"{MODEL}f = chainrule.compile(lambda tokens: loss_of(model, tokens), batch='mean')\nfound = f([[0, 1, 0]])",
            "type(found).__name__",
            "Value",
            look="logits",
        ),
        Mistake(
            "a token is used as an index while tracing",
            wrong=Raises("TraceError", "take("),
            says="While the compiler traces the function, a token is not a number yet, but whatever number will be passed. Write "
            "take(model.token, token) in place of model.token[token].",
        ),
    ),
    # --- loss_of
    Question(
        Case(f"{CHAIN}loss = loss_of(model, [0, 1, 2, 0])", "loss.data", 0.0, look="loss_of"),
        Mistake(
            "as many answers as questions",
            wrong=Raises("ValueError", "rows of logits"),
            says="Four tokens make three predictions: the model reads all but the last, tokens[:-1], and is asked for all but the first, "
            "tokens[1:].",
        ),
    ),
    Question(
        Case(f"{SAME}loss = loss_of(model, [0, 1, 2, 0])", "loss.data", 0.0, look="loss_of"),
        Mistake(
            "the same token is predicted",
            wrong=one_of(40.0, tolerance=0.0025),
            says="This model is sure that after 0 comes 1, then 2, then 0, so its loss should be 0. It is compared with the tokens that "
            "it reads. The target of a position is the token after it: tokens[1:].",
        ),
    ),
    Question(
        Case(f"{ZERO}loss = loss_of(model, [0, 1, 2, 0])", "type(loss).__name__", "Value", look="loss_of"),
        Mistake(
            "a number instead of a Value",
            wrong="float",
            says="A float has no backward(), so nothing could be learned from it. Return the Value, without .data.",
        ),
    ),
    Question(
        Case(f"{ZERO}loss = loss_of(model, [0, 1, 2, 0])", "loss.data", 1.0986122886681098, look="loss_of"),
        Mistake(
            "a sum over the positions",
            wrong=3.295836866004329,
            says="This model gives each of 3 tokens the same chance, so each prediction has a surprise of log(3) = 1.0986. This is the "
            "sum of three of them; take the mean.",
        ),
        Mistake(
            "divided by the number of tokens",
            wrong=0.8239592165010823,
            says="This model gives each of 3 tokens the same chance, so each prediction has a surprise of log(3) = 1.0986. Four tokens "
            "make three predictions, and the sum of three surprises was divided by 4: divide by len(tokens) - 1.",
        ),
        Mistake(
            "the loss has the wrong sign",
            wrong=one_of(-1.0986122886681098, -3.295836866004329, tolerance=1e-4),
            says="The logarithm of a chance is negative, and the surprise is its opposite. With this sign, training would make the right "
            "tokens ever less likely.",
        ),
    ),
    # --- generate
    Question(
        Case(f"{ZERO}word = generate(model, random.Random(0))", "type(word).__name__", "list", look="generate"),
        Mistake(
            "scores are taken for chances",
            wrong=Raises("ValueError", "must be greater"),
            says="All scores of this model are 0, and with weights of 0 nothing can be drawn. Scores may also be negative. Their softmax "
            "gives chances: here 1/3 each.",
        ),
    ),
    Question(
        Case(f"{CHAIN}word = generate(model, random.Random(0))", "word", [1, 2], look="generate"),
        Mistake(
            "the marks are part of the word",
            wrong=has(0),
            says="0 is the mark at the beginning and at the end. It starts the word and ends it, but is no letter: leave it out of the "
            "result.",
        ),
    ),
    Question(
        Case(f"{PLACES}word = generate(model, random.Random(0))", "word", [1, 2], look="generate"),
        Mistake(
            "only the last token is read",
            wrong=lambda found: isinstance(found, list) and len(found) > 2 and set(found) == {1},
            says="This model goes by the place: first 1, then 2, then 0. It was asked at place 0 again and again. Give logits all tokens "
            "so far, and take the scores of the last position, [-1].",
        ),
    ),
    Question(
        Case(
            "model = Transformer(tokens=30, positions=6, size=4, heads=2)\nfor p in model.parameters():\n    p.data = 0.0\n"
            "words = [generate(model, random.Random(seed)) for seed in range(4)]",
            "max(len(word) for word in words) <= 6",
            True,
            look="generate",
        ),
        Mistake(
            "a word without end",
            wrong=False,
            says="This model draws 0 once in 30 times, and its words get longer than the 6 positions it knows. Stop also when the word "
            "has as many tokens as model.position has rows.",
        ),
    ),
    Question(
        Case(
            f"{ZERO}words = [generate(model, random.Random(seed)) for seed in range(20)]",
            "len({tuple(word) for word in words}) > 1",
            True,
            look="generate",
        ),
        Mistake(
            "the same word every time",
            wrong=False,
            says="Twenty generators of random numbers, and one word. Taking the likeliest token leaves nothing to chance: draw with "
            "rng.choices, with the chances as weights.",
        ),
    ),
    Question(
        Case(
            f"{ZERO}words = [[generate(model, random.Random(seed)) for seed in range(20)] for _ in range(2)]",
            "words[0] == words[1]",
            True,
            look="generate",
        ),
        Mistake(
            "rng is not used",
            wrong=False,
            says="The same seeds gave other words the second time. Draw with the rng that is passed, rng.choices, and not with "
            "random.choices, so that a word can be had again.",
        ),
    ),
)

CHECKS = Checks(
    requires=("Transformer", "attend", "rmsnorm", "attention", "block", "logits", "loss_of", "generate"),
    questions=QUESTIONS,
    cases=(
        Case("result = attend(vector(1, 2), [vector(3, 4)], [vector(5, 6, 7)])", SHOWN, look="attend"),
        Case(ATTEND, SHOWN, look="attend"),
        Case("result = attend(vector(9), [vector(1), vector(2), vector(-1)], [vector(1), vector(2), vector(3)])", SHOWN, look="attend"),
        Case("result = rmsnorm(vector(0, 0))", SHOWN, look="rmsnorm"),
        Case(NORM, SHOWN, look="rmsnorm", tolerance=1e-4),
        Case(
            TINY,
            SHOWN,
            says="The mean of the squares is 0.000005 here, so it counts that 0.00001 is added to it, before the root is taken.",
            look="rmsnorm",
            tolerance=1e-6,
        ),
        Case("result = rmsnorm(vector(-2, 0, 2, 4))", SHOWN, look="rmsnorm", tolerance=1e-4),
        Case(f"{MODEL}model.heads = 1\nresult = attention(model, [vector(1, 0, 2, 0)])", NUMBERS, look="attention"),
        Case(f"{MODEL}result = attention(model, [vector(1, 0, 2, 0)])", NUMBERS, look="attention"),
        Case(f"{MODEL}{XS}model.heads = 1\nresult = attention(model, xs)", NUMBERS, look="attention"),
        Case(APART, NUMBERS, look="attention"),
        Case(f"{MODEL}{XS}result = attention(model, xs)", NUMBERS, look="attention"),
        Case(f"{MODEL}{NO_PERCEPTRON}{BLOCK}", NUMBERS, look="block", tolerance=1e-4),
        Case(f"{MODEL}{NO_ATTENTION}{BLOCK}", NUMBERS, look="block", tolerance=1e-4),
        Case(f"{MODEL}{XS}result = block(model, xs)", NUMBERS, look="block", tolerance=1e-4),
        Case(f"{MODEL}result = logits(model, [1])", NUMBERS, look="logits", tolerance=1e-4),
        Case(f"{MODEL}result = logits(model, [0, 2, 1])", NUMBERS, look="logits", tolerance=1e-4),
        Case(f"{MODEL}loss = loss_of(model, [0, 1])", "loss.data", look="loss_of", tolerance=1e-4),
        Case(f"{MODEL}loss = loss_of(model, [0, 1, 2, 0])", "loss.data", look="loss_of", tolerance=1e-4),
        Case(f"{CHAIN}word = generate(model, random.Random(0))", "word", right=[1, 2], look="generate"),
        Case(f"{PLACES}word = generate(model, random.Random(0))", "word", right=[1, 2], look="generate"),
        Case(
            f"{CHAIN.replace('(t + 1) % 3', 'max(t, 1)')}word = generate(model, random.Random(0))",
            "word",
            right=[1] * 6,
            says="This model never draws 0. The word ends at the latest with as many tokens as model.position has rows, 6.",
            look="generate",
        ),
    ),
    more=words,
    seconds=8.0,
    names={"random": random, "Value": Value, "vector": vector, "chainrule": importlib.import_module("chainrule")},
)
