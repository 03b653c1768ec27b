"""Exercise 12, loss_of and generate."""

from __future__ import annotations

from chainrule.course.checking import Case, Diagnosis, Mistake
from chainrule.course.checks.transformer.examples import CHAIN, PLACES, ZERO
from chainrule.course.outcomes import Raises, has, one_of

SAME = CHAIN + "    model.unembed[t][t].data = 10.0\n"

DIAGNOSES = (
    # --- loss_of
    Diagnosis(
        Case(f"{CHAIN}loss = loss_of(model, [0, 1, 2, 0])", "loss.data", 0.0, look="loss_of"),
        Mistake(
            "predictions and targets differ in number",
            wrong=Raises("ValueError", "rows of logits"),
            says="Four tokens give three predictions: the model reads all tokens but the last, tokens[:-1], and the targets are all "
            "tokens but the first, tokens[1:].",
        ),
    ),
    Diagnosis(
        Case(f"{SAME}loss = loss_of(model, [0, 1, 2, 0])", "loss.data", 0.0, look="loss_of"),
        Mistake(
            "the same token is predicted",
            wrong=one_of(40.0, tolerance=0.0025),
            says="This model is certain that after 0 comes 1, then 2, then 0, so its loss should be 0. Here its scores were compared "
            "with the tokens that it reads. The target of a position is the token after it: tokens[1:].",
        ),
    ),
    Diagnosis(
        Case(f"{ZERO}loss = loss_of(model, [0, 1, 2, 0])", "type(loss).__name__", "Value", look="loss_of"),
        Mistake(
            "a number instead of a Value",
            wrong="float",
            says="A float has no backward(), so the model could not learn from it. Return the Value, without .data.",
        ),
    ),
    Diagnosis(
        Case(f"{ZERO}loss = loss_of(model, [0, 1, 2, 0])", "loss.data", 1.0986122886681098, look="loss_of"),
        Mistake(
            "a sum over the positions",
            wrong=3.295836866004329,
            says="This model gives each of 3 tokens the same probability, so each prediction has a loss of log(3) = 1.0986. This is the "
            "sum of three of them; take the mean.",
        ),
        Mistake(
            "divided by the number of tokens",
            wrong=0.8239592165010823,
            says="This model gives each of 3 tokens the same probability, so each prediction has a loss of log(3) = 1.0986. Four tokens "
            "give three predictions, and the sum of three losses was divided by 4: divide by len(tokens) - 1.",
        ),
        Mistake(
            "the loss has the wrong sign",
            wrong=one_of(-1.0986122886681098, -3.295836866004329, tolerance=1e-4),
            says="The logarithm of a probability is negative, and the loss is minus that logarithm. With this sign, training would make "
            "the right tokens ever less likely.",
        ),
    ),
    # --- generate
    Diagnosis(
        Case(f"{ZERO}word = generate(model, random.Random(0))", "type(word).__name__", "list", look="generate"),
        Mistake(
            "scores are taken for probabilities",
            wrong=Raises("ValueError", "must be greater"),
            says="All scores of this model are 0, and nothing can be drawn with weights of 0. Scores may also be negative. Their softmax "
            "gives probabilities: here 1/3 each.",
        ),
    ),
    Diagnosis(
        Case(f"{CHAIN}word = generate(model, random.Random(0))", "word", [1, 2], look="generate"),
        Mistake(
            "the marks are part of the word",
            wrong=has(0),
            says="0 is the mark at the beginning and at the end. It starts the word and ends it, but is not a letter: leave it out of "
            "the result.",
        ),
    ),
    Diagnosis(
        Case(f"{PLACES}word = generate(model, random.Random(0))", "word", [1, 2], look="generate"),
        Mistake(
            "only the last token is read",
            wrong=lambda found: isinstance(found, list) and len(found) > 2 and set(found) == {1},
            says="This model decides by the position: first 1, then 2, then 0. Here it was always asked at position 0. Pass all tokens "
            "so far to logits, and take the scores of the last position, [-1].",
        ),
    ),
    Diagnosis(
        Case(
            "model = Transformer(tokens=30, positions=6, size=4, heads=2)\nfor p in model.parameters():\n    p.data = 0.0\n"
            "words = [generate(model, random.Random(seed)) for seed in range(4)]",
            "max(len(word) for word in words) <= 6",
            True,
            look="generate",
        ),
        Mistake(
            "a word that does not end",
            wrong=False,
            says="This model draws 0 once in 30 times, and its words get longer than the 6 positions that it knows. Also stop when the "
            "word has as many tokens as model.position has rows.",
        ),
    ),
    Diagnosis(
        Case(
            f"{ZERO}words = [generate(model, random.Random(seed)) for seed in range(20)]",
            "len({tuple(word) for word in words}) > 1",
            True,
            look="generate",
        ),
        Mistake(
            "the same word every time",
            wrong=False,
            says="Twenty different random generators gave the same word. If you take the most probable token, nothing is random: draw "
            "with rng.choices, with the probabilities as weights.",
        ),
    ),
    Diagnosis(
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
            "random.choices, so that a word can be generated again.",
        ),
    ),
)
