"""Losses: how far predictions are from their targets, as one Value, averaged over the samples.

A prediction is a Value, a target a plain number or a Value; either may come in a list of one. Targets are checked; a compiled function
checks them at every call.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from chainrule.conditions import PROBABILITY, SIGN, Condition, number_of, require
from chainrule.engine import Value, constant
from chainrule.functions import greater, logsumexp, mean, relu, softplus, take
from chainrule.positions import listed
from chainrule.reals import real

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import SupportsFloat, SupportsIndex, TypeAlias

    Predictions: TypeAlias = Iterable[Value | SupportsFloat | Sequence[Value]]
    Targets: TypeAlias = Iterable[Value | SupportsFloat]


def mean_squared_error(predictions: Predictions, targets: Targets) -> Value:
    """The mean of `(prediction - target) ** 2`.

    Arguments:
        predictions: one Value for each sample.
        targets: one number for each sample.

    Returns:
        The loss, 0 or more.

    Raises:
        ValueError: if there are no samples, or not as many targets as predictions.
        TypeError: if a prediction or target is not a number.
    """
    pairs = _pairs(predictions, targets, "prediction")
    return mean((prediction - target) ** 2 for prediction, target in pairs)


def max_margin(scores: Predictions, targets: Targets) -> Value:
    """The mean of `relu(1 - target * score)`: the hinge loss of support vector machines (Cortes, Vapnik, 1995).

    Arguments:
        scores: one Value for each sample; its sign is the predicted class.
        targets: -1 or +1 for each sample.

    Returns:
        The loss, 0 or more; 0 once every score is beyond 1 on the right side.

    Raises:
        ValueError: if there are no samples, not as many targets as scores, or a target is neither -1 nor +1.
        TypeError: if a score or target is not a number.
    """
    pairs = _pairs(scores, targets, "score", SIGN)
    return mean(relu(1.0 - target * score) for score, target in pairs)


def binary_cross_entropy(logits: Predictions, targets: Targets) -> Value:
    """The mean of `-(t * log(p) + (1 - t) * log(1 - p))`, where `p` is the model's probability of class 1 (of two), and `t` is the target:
    1 or 0 for a class, or a probability.

    It is computed from logits (the probability of class 1 is `sigmoid(logit)`) as `softplus(-logit)` for class 1 and `softplus(logit)`
    for class 0, which neither overflows nor loses digits. For a probability between 0 and 1, it is the loss of the nearer class plus a
    multiple of the logit.

    Arguments:
        logits: one Value for each sample, before any sigmoid.
        targets: 0 or 1 for each sample, or the probability of class 1.

    Returns:
        The loss, 0 or more, in nats.

    Raises:
        ValueError: if there are no samples, not as many targets as logits, or a target is not from 0 to 1.
        TypeError: if a logit or target is not a number.
    """
    return mean(_two_classes(logit, target) for logit, target in _pairs(logits, targets, "logit", PROBABILITY))


def _two_classes(logit: Value, target: Any) -> Value:
    """The binary cross-entropy of a sample, `softplus(logit) - target * logit`, without the digits that this would lose."""
    if not isinstance(target, Value) and target in (0.0, 1.0):
        return softplus((1.0 - 2.0 * target) * logit)
    nearest = greater(target, 0.5)
    return softplus((1.0 - 2.0 * nearest) * logit) + (nearest - target) * logit


def cross_entropy(logits: Iterable[Any], targets: Iterable[Value | SupportsIndex] | Value | SupportsIndex) -> Value:
    """The mean of `-log(softmax(logits)[target])`, computed as `logsumexp(logits) - logits[target]`, which does not overflow.

    Arguments:
        logits: a row of Values for each sample, one for each class, before any softmax; or the row of a single sample.
        targets: the number of the right class for each sample, counted from 0; or that of the single sample. It is an integer, or a
            Value whose data is one.

    Returns:
        The loss, 0 or more, in nats.

    Raises:
        ValueError: if there are no samples, not as many targets as rows, a row has fewer than two logits, or a target is not the number of
            a class.
        TypeError: if a row is not a sequence, a logit is not a number, or a target is not an integer.
        IndexError: if a target that is an argument of a compiled function is not the number of a class; this is checked at every call.
    """
    if not hasattr(targets, "__iter__"):
        logits, targets = [logits], [targets]
    rows, classes = _listed(logits, "logits"), _listed(targets, "targets")
    if len(classes) == 1 < len(rows) and not hasattr(rows[0], "__iter__"):
        rows = [rows]  # a single sample, whose target comes in a list of one
    _same_length(rows, classes, "rows of logits")
    losses = []
    for sample, (row, target) in enumerate(zip(rows, classes, strict=True)):
        values = _row(row, sample)
        target = _single(target, f"target {sample}")
        if isinstance(target, Value):
            require(target, f"target {sample}", number_of(len(values)))
        else:
            target = _class(target, len(values), sample)
        losses.append(logsumexp(values) - take(values, target))
    return mean(losses)


def l2_penalty(parameters: Iterable[Value], strength: Value | SupportsFloat) -> Value:
    """`strength` times the sum of the squares of the parameters; added to a loss, it keeps the weights small.

    Arguments:
        parameters: Values, such as `model.parameters()`.
        strength: a number that is not negative.

    Returns:
        The penalty, to be added to a loss.

    Raises:
        ValueError: if there are no parameters, or the strength is negative.
        TypeError: if a parameter is not a Value.
    """
    if not hasattr(parameters, "__iter__"):
        raise TypeError(f"l2_penalty() takes a list of Values, such as model.parameters(), got {type(parameters).__name__}")
    parameters = list(parameters)
    if not parameters:
        raise ValueError("l2_penalty() needs at least one parameter: check that the list or generator is not empty")
    for position, parameter in enumerate(parameters):
        if not isinstance(parameter, Value):
            raise TypeError(f"parameter {position} must be a Value, got {type(parameter).__name__}: {parameter!r}")
    if not isinstance(strength, Value):
        strength = _number(strength, "strength")
        if not strength >= 0:
            raise ValueError(f"strength must be 0 or more, got {strength}: a negative one would make the weights grow without end")
    return strength * sum((parameter * parameter for parameter in parameters), constant(0.0))


# --- checking what is given -------------------------------------------------------------------------------------------------------------


def _pairs(predictions: Predictions, targets: Targets, what: str, condition: Condition | None = None) -> list[tuple[Value, Any]]:
    """Each prediction as a Value, with its target, which meets the condition, if there is one."""
    predictions, targets = _listed(predictions, f"{what}s"), _listed(targets, "targets")
    _same_length(predictions, targets, f"{what}s")
    pairs = []
    for position, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
        prediction, target = _single(prediction, f"{what} {position}"), _single(target, f"target {position}")
        if not isinstance(target, Value):
            target = _number(target, f"target {position}")
        if condition is not None and not (type(target) is float and condition.holds(target)):
            require(target, f"target {position}", condition)
        pairs.append((_as_value(prediction, f"{what} {position}"), target))
    return pairs


def _single(x: Any, what: str) -> Any:
    """The number itself, where it comes in a list of one, as the rows of a column do."""
    if not hasattr(x, "__len__") or isinstance(x, str):
        return x
    if len(x) != 1:
        raise ValueError(f"{what} must be one number, got {len(x)}: {x!r}")
    return next(iter(x))


def _row(row: Any, sample: int) -> list[Value]:
    if not hasattr(row, "__iter__"):
        raise TypeError(
            f"the logits of sample {sample} must be a list, one for each class, got {type(row).__name__}: {row!r}; "
            "for a model with a single output, see binary_cross_entropy()"
        )
    values = [_as_value(logit, f"logit {position} of sample {sample}") for position, logit in enumerate(row)]
    if len(values) < 2:
        raise ValueError(
            f"sample {sample} has {len(values)} logits, but there must be one for each of two or more classes; "
            "for a model with a single output, see binary_cross_entropy()"
        )
    return values


def _class(target: Any, classes: int, sample: int) -> int:
    try:
        number = operator.index(target)
    except TypeError:
        raise TypeError(
            f"target {sample} must be an integer, the number of a class counted from 0, got {type(target).__name__}: {target!r}"
        ) from None
    if not 0 <= number < classes:
        raise ValueError(f"target {sample} is {number}, but there are {classes} logits: classes are counted from 0 to {classes - 1}")
    return number


def _listed(things: Any, what: str) -> list[Any]:
    """The things in a list, as they stand by position."""
    if not hasattr(things, "__iter__") and not hasattr(things, "__getitem__"):
        raise TypeError(f"{what} must be a list, one for each sample, got {type(things).__name__}: {things!r}; put a single one in a list")
    return listed(what, things)


def _same_length(predictions: list[Any], targets: list[Any], what: str) -> None:
    if len(predictions) != len(targets):
        raise ValueError(f"there are {len(predictions)} {what} but {len(targets)} targets; each sample needs one of each")
    if not predictions:
        raise ValueError("a loss needs at least one sample; check that the lists are not empty")


def _as_value(x: Any, what: str) -> Value:
    return x if isinstance(x, Value) else constant(_number(x, what))


def _number(x: Any, what: str) -> float:
    try:
        return real(x)
    except (TypeError, OverflowError) as error:
        raise type(error)(f"{what}: {error}") from None
