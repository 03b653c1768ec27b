"""Exercise 12: a tiny transformer."""

from __future__ import annotations

import importlib
import random
from typing import TYPE_CHECKING

from chainrule import Value
from chainrule.course.checking import Case, Checks
from chainrule.course.checks.transformer import attention, model, words
from chainrule.course.checks.transformer.examples import (
    APART,
    ATTEND,
    BLOCK,
    CHAIN,
    MODEL,
    NO_ATTENTION,
    NO_PERCEPTRON,
    NORM,
    NUMBERS,
    PLACES,
    SHOWN,
    TINY,
    XS,
)
from chainrule.course.example_names import vector

if TYPE_CHECKING:
    from collections.abc import Iterator


def random_words() -> Iterator[Case]:
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


CHECKS = Checks(
    requires=("Transformer", "attend", "rmsnorm", "attention", "block", "logits", "loss_of", "generate"),
    diagnoses=(*attention.DIAGNOSES, *model.DIAGNOSES, *words.DIAGNOSES),
    cases=(
        Case("result = attend(vector(1, 2), [vector(3, 4)], [vector(5, 6, 7)])", SHOWN, look="attend"),
        Case(ATTEND, SHOWN, look="attend"),
        Case("result = attend(vector(9), [vector(1), vector(2), vector(-1)], [vector(1), vector(2), vector(3)])", SHOWN, look="attend"),
        Case("result = rmsnorm(vector(0, 0))", SHOWN, look="rmsnorm"),
        Case(NORM, SHOWN, look="rmsnorm", tolerance=1e-4),
        Case(
            TINY,
            SHOWN,
            says="The mean of the squares is 0.000005 here, so it makes a difference that 0.00001 is added to it, before the root is "
            "taken.",
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
    more=random_words,
    seconds=8.0,
    names={"random": random, "Value": Value, "vector": vector, "chainrule": importlib.import_module("chainrule")},
)
