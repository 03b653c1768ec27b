"""Exercise 12, block and logits."""

from __future__ import annotations

from typing import Any

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.transformer.examples import BLOCK, CHAIN, MODEL, NO_ATTENTION, NO_PERCEPTRON, NUMBERS
from chainrule.course.outcomes import Raises, one_of

SIZES = (
    "small = block(model, [vector(1, 2, 3, 4)])[0]\n"
    "large = block(model, [vector(100, 200, 300, 400)])[0]\n"
    "added_to_small = [number.data - x for number, x in zip(small, [1, 2, 3, 4])]\n"
    "added_to_large = [number.data - x for number, x in zip(large, [100, 200, 300, 400])]"
)
SIZES_SHOWN = "sum(map(abs, added_to_large)) / sum(map(abs, added_to_small))"


def _grows(found: Any) -> bool:
    """What is added grows with the vector, about a hundredfold; a wrong rmsnorm gives other numbers."""
    return bool(10 < found < 1000)


DIAGNOSES = (
    # --- block
    Diagnosis(
        Case(f"{MODEL}{NO_PERCEPTRON}{BLOCK}", NUMBERS, look="block"),
        Mistake(
            "the perceptron replaces the vector",
            wrong=[[0.0] * 4],
            says="model.narrow is zero here, so the perceptron gives zeros, and the vector should not change. Add the two: add(x, "
            "linear(model.narrow, ...)).",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}{NO_ATTENTION}{NO_PERCEPTRON}{BLOCK}", NUMBERS, [[3.0, 1.0, 0.0, 0.0]], look="block"),
        Mistake(
            "attention replaces the vector",
            wrong=[[0.0] * 4],
            says="Attention and perceptron give zeros here (model.out and model.narrow are zero), so x should not change. Add the result "
            "of attention to x; it does not replace x.",
        ),
        Mistake(
            "the normalised vector is kept",
            wrong=one_of([[3 / 2.5**0.5, 1 / 2.5**0.5, 0.0, 0.0]], tolerance=1e-4),
            says="This is rmsnorm(x). Attention and perceptron read the normalised vector, but their results are added to x itself.",
        ),
    ),
    Diagnosis(
        Case(
            f"{MODEL}{NO_ATTENTION}model.widen = [vector(-1, -1, -1, -1) for _ in range(8)]\n{BLOCK}",
            NUMBERS,
            [[3.0, 1.0, 0.0, 0.0]],
            look="block",
        ),
        Mistake(
            "the relu is forgotten",
            wrong=lambda found: len(found[0]) == 4 and found != [[3.0, 1.0, 0.0, 0.0]],
            says="All hidden numbers of the perceptron are negative here. relu turns each of them into 0, so nothing should be added to "
            "x; without relu the perceptron is only one more matrix.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}{NO_PERCEPTRON}{SIZES}", SIZES_SHOWN, 1.0, look="block", tolerance=1e-4),
        Mistake(
            "attention reads vectors that are not normalised",
            wrong=_grows,
            says="The result of attention grows with the vector. Attention should read rmsnorm(x), which is the same for a vector and "
            "for a hundred times that vector.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}{NO_ATTENTION}{SIZES}", SIZES_SHOWN, 1.0, look="block", tolerance=1e-4),
        Mistake(
            "the perceptron reads vectors that are not normalised",
            wrong=_grows,
            says="The result of the perceptron grows with the vector. The perceptron should read rmsnorm of the sum that the attention "
            "step gives.",
        ),
    ),
    # --- logits
    Diagnosis(
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
    Diagnosis(
        Case(f"{MODEL}result = logits(model, [0, 1])", "len(result)", 2, look="logits"),
        Mistake(
            "the scores of one position only",
            wrong=one_of(1, 3),
            says="Two tokens make two positions, and each has scores of its own. Return a list with the scores of every position.",
        ),
    ),
    Diagnosis(
        Case(f"{MODEL}result = logits(model, [1])[0]", "sum(score.data for score in result)", look="logits"),
        Mistake(
            "probabilities instead of scores",
            wrong=1.0,
            says="These numbers are positive and add up to 1, so they are the result of softmax. Return the scores themselves: "
            "cross_entropy applies softmax, which must not be applied twice.",
        ),
    ),
    Diagnosis(
        Case(f"{CHAIN}result = logits(model, [1])[0]", "result[2].data", 59.9988000359988, look="logits", tolerance=1e-4),
        Mistake(
            "no norm before the scores",
            wrong=30.0,
            says="The block gives the vector [0, 1, 0, 0] here, and its rmsnorm is [0, 2, 0, 0]; the score is 30 times that. Normalise "
            "before model.unembed.",
        ),
    ),
    Diagnosis(
        Case(
            f"{MODEL}f = chainrule.compile(lambda tokens: loss_of(model, tokens), batch='mean')\nfound = f([[0, 1, 0]])",
            "type(found).__name__",
            "Value",
            look="logits",
        ),
        Mistake(
            "a token is used as an index while tracing",
            wrong=Raises("TraceError", "take("),
            says="While the compiler traces the function, a token is not a number yet, but stands for any number that will be passed. "
            "Write take(model.token, token) in place of model.token[token].",
        ),
    ),
)
