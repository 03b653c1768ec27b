"""Optimisers follow their published formulas, schedules torch's recurrences; both can be saved and refuse bad options."""

import copy
import json
import math
import pickle
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import MLP, SGD, Adam, AdamW, Value, mean_squared_error
from chainrule.optim import Optimizer
from chainrule.schedules import CosineAnnealingLR, ExponentialLR, LambdaLR, LinearLR, LRScheduler, MultiStepLR, StepLR

OPTIMIZERS = [SGD, Adam, AdamW]
gradients = st.lists(st.floats(-10, 10), min_size=1, max_size=6)
decays = st.sampled_from([0.0, 0.01, 0.3])
rates = st.floats(0, 1)


def descend(optimizer: Optimizer, drawn: list[float]) -> list[float]:
    """Where each parameter is after one step for each gradient."""
    for gradient in drawn:
        for p in optimizer.params:
            p.grad = gradient
        optimizer.step()
    return [p.data for p in optimizer.params]


# --- the formulas, from the whole history of gradients instead of running averages ------------------------------------------------------


def sgd(p: float, drawn: list[float], lr: float, momentum: float, dampening: float, decay: float, nesterov: bool, sign: float) -> float:
    history: list[float] = []
    for gradient in drawn:
        history.append(sign * gradient + decay * p)
        t = len(history)
        kept = [momentum ** (t - 1 - i) * (1.0 if i == 0 else 1 - dampening) * g for i, g in enumerate(history)]
        velocity = math.fsum(kept)
        p = p - lr * (history[-1] + momentum * velocity if nesterov else velocity)
    return p


def adam(
    p: float, drawn: list[float], lr: float, betas: tuple[float, float], l2: float, decoupled: float, amsgrad: bool, sign: float
) -> float:
    history: list[float] = []
    second: list[float] = []
    for gradient in drawn:
        p = p - lr * decoupled * p
        history.append(sign * gradient + l2 * p)
        t = len(history)
        first = (1 - betas[0]) * math.fsum(betas[0] ** (t - 1 - i) * g for i, g in enumerate(history))
        second.append((1 - betas[1]) * math.fsum(betas[1] ** (t - 1 - i) * g**2 for i, g in enumerate(history)))
        scale = max(second) if amsgrad else second[-1]
        p = p - lr * (first / (1 - betas[0] ** t)) / (math.sqrt(scale / (1 - betas[1] ** t)) + 1e-8)
    return p


@given(gradients, rates, st.sampled_from([0.5, 0.9]), st.sampled_from([0.0, 0.3]), decays, st.booleans(), st.booleans())
def test_sgd_follows_its_formula(
    drawn: list[float], lr: float, momentum: float, dampening: float, decay: float, nesterov: bool, maximize: bool
) -> None:
    if nesterov:
        dampening = 0.0
    start, sign = [1.5, -0.25], -1.0 if maximize else 1.0
    optimizer = SGD([Value(p) for p in start], lr, momentum, dampening, decay, nesterov, maximize=maximize)
    expected = [sgd(p, drawn, lr, momentum, dampening, decay, nesterov, sign) for p in start]
    assert descend(optimizer, drawn) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    plain = SGD([Value(p) for p in start], lr, weight_decay=decay, maximize=maximize)
    expected = [sgd(p, drawn, lr, 0.0, 0.0, decay, False, sign) for p in start]
    assert descend(plain, drawn) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kind", [Adam, AdamW])
@given(gradients, rates, st.tuples(st.sampled_from([0.5, 0.9]), st.sampled_from([0.6, 0.999])), decays, st.booleans(), st.booleans())
def test_adam_follows_its_formula(
    kind: type[Adam], drawn: list[float], lr: float, betas: tuple[float, float], decay: float, amsgrad: bool, maximize: bool
) -> None:
    start, sign = [1.5, -0.25], -1.0 if maximize else 1.0
    optimizer = kind([Value(p) for p in start], lr, betas, weight_decay=decay, amsgrad=amsgrad, maximize=maximize)
    l2, decoupled = (0.0, decay) if kind is AdamW else (decay, 0.0)
    expected = [adam(p, drawn, lr, betas, l2, decoupled, amsgrad, sign) for p in start]
    assert descend(optimizer, drawn) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_the_numbers_people_know() -> None:
    assert descend(SGD([Value(1.0)], lr=0.1, momentum=0.9), [1.0, 1.0, 1.0]) == pytest.approx([0.439], rel=1e-15)  # 0.9, 0.71, 0.439
    assert descend(SGD([Value(1.0)], lr=0.1, momentum=0.9, nesterov=True), [1.0, 1.0]) == pytest.approx([0.539], rel=1e-15)
    for gradient in (1e-3, 1.0, 1e3):  # the first step of Adam is lr, whatever the size of the gradient
        assert descend(Adam([Value(1.0)], lr=0.1), [gradient]) == pytest.approx([0.9], abs=1e-5)
    assert descend(AdamW([Value(1.0)], lr=0.1), [0.0]) == [1.0 - 0.1 * 0.01]
    assert (SGD([Value(0.0)]).lr, Adam([Value(0.0)]).betas, Adam([Value(0.0)]).eps) == (1e-3, (0.9, 0.999), 1e-8)


def test_extreme_gradients_follow_ieee_arithmetic() -> None:
    assert all(math.isnan(p) for p in descend(Adam([Value(1.0)], eps=0.0), [0.0]))  # 0 / 0
    assert descend(Adam([Value(1.0)]), [1e200]) == [1.0]  # 1e200 squared is inf, and a number divided by it 0
    for drawn in ([math.nan, 1.0], [math.inf, 1.0]):
        assert math.isnan(descend(Adam([Value(1.0)], amsgrad=True), drawn)[0])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_model_learns_a_line(kind: type[Optimizer]) -> None:
    model = MLP(1, [1], rng=random.Random(0))
    optimizer = kind(model.parameters(), lr=0.1)
    xs = [-1.0, 0.0, 0.5, 1.0]
    for _ in range(300):
        loss = mean_squared_error([model([x]) for x in xs], [2 * x - 1 for x in xs])
        optimizer.zero_grad()
        assert all(p.grad == 0.0 for p in model.parameters())
        loss.backward()
        optimizer.step()
    assert [p.data for p in model.parameters()] == pytest.approx([2.0, -1.0], abs=0.02)
    assert not any(set(vars(p)) - {"_label"} for p in model.parameters())  # no state is kept on the Values


def test_the_learning_rate_can_be_set() -> None:
    optimizer = SGD([Value(1.0)], lr=0.5)
    optimizer.lr = 0.25
    assert optimizer.lr == 0.25
    assert descend(optimizer, [1.0]) == [0.75]
    assert repr(optimizer) == "SGD(1 parameters, lr=0.25, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False)"


# --- gradients that a step does not reach --------------------------------------------------------------------------------------------


class Chosen(Value):
    """A parameter whose class the optimisers go through in Python."""


@pytest.mark.parametrize("make", [Value, Chosen])
@pytest.mark.parametrize(
    ("kind", "options"), [(SGD, {"momentum": 0.9}), *((kind, options) for kind in OPTIMIZERS for options in ({}, {"weight_decay": 0.1}))]
)
@given(used=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), min_size=1, max_size=6))
def test_a_parameter_that_no_backward_reached_has_gradient_0(
    kind: type[Optimizer], options: dict[str, float], make: type[Value], used: list[list[int]]
) -> None:
    def train(zero: bool) -> tuple[list[float], list[float]]:
        rows = [make(0.5 * i) for i in range(4)]
        optimizer = kind(rows, lr=0.1, **options)
        for batch in used:
            if zero:
                optimizer.zero_grad()
            sum((rows[i] - 1.0) ** 2 for i in batch).backward()
            optimizer.step()
        return [row.data for row in rows], [row.grad for row in rows]

    assert train(zero=False) == train(zero=True)


def test_what_was_written_by_hand_counts_and_without_anything_new_all_stays() -> None:
    a, b, c = (Value(0.0) for _ in range(3))
    optimizer = SGD([a, b, c], lr=1.0)
    (a * 2.0 + b).backward()
    optimizer.step()
    optimizer.step()  # nothing was written since: as in torch, the same step again
    assert [p.data for p in (a, b, c)] == [-4.0, -2.0, 0.0]
    b.grad = 3.0
    optimizer.step()
    assert [p.data for p in (a, b, c)] == [-4.0, -5.0, 0.0]
    assert [p.grad for p in (a, b, c)] == [0.0, 3.0, 0.0]
    (a * 2.0).backward()
    (a * c).backward(accumulate=True)
    optimizer.step()
    assert [p.data for p in (a, b, c)] == [-6.0, -5.0, 4.0]


def test_each_optimizer_counts_from_its_own_last_step() -> None:
    shared, own, other = (Value(1.0) for _ in range(3))
    first, second = SGD([shared, own], lr=1.0), SGD([shared, other], lr=0.5)
    (shared * own * other).backward()
    first.step()
    second.step()
    assert [p.data for p in (shared, own, other)] == [-0.5, 0.0, 0.5]
    (shared * other).backward()
    second.step()
    first.step()
    assert own.data == 0.0


def test_a_gradient_of_none_leaves_a_parameter_out() -> None:
    for kind in OPTIMIZERS:
        a, b = Value(1.0), Value(1.0)
        optimizer = kind([a, b], lr=0.1, weight_decay=0.1)
        a.grad = None
        (b * 2.0).backward()
        optimizer.step()
        assert (a.data, a.grad) == (1.0, None)
        assert b.data < 1.0


def test_a_copied_optimizer_counts_from_the_copy() -> None:
    for twin in (copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        model = MLP(1, [1], rng=random.Random(0))
        both = model, SGD(model.parameters(), lr=0.1)
        model([1.0]).backward()
        both[1].step()
        again, optimizer = twin(both)
        optimizer.params[0].grad = 0.0
        before = [p.data for p in again.parameters()]
        optimizer.step()
        assert [p.data for p in optimizer.params] == before


# --- saving -----------------------------------------------------------------------------------------------------------------------------

OPTIONS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (SGD, {"lr": 0.1, "weight_decay": 0.1}),
    (Adam, {"lr": 0.1, "amsgrad": True, "betas": (0.5, 0.9)}),
    (AdamW, {"lr": 0.1, "maximize": True}),
]


@pytest.mark.parametrize(("kind", "options"), OPTIONS)
@given(before=st.lists(st.floats(-10, 10), max_size=4), after=gradients)
def test_a_saved_optimizer_goes_on_as_if_nothing_happened(
    kind: type[Optimizer], options: dict[str, Any], before: list[float], after: list[float]
) -> None:
    one = kind([Value(1.0), Value(2.0)], **options)
    descend(one, before)
    other = kind([Value(p.data) for p in one.params])
    parameters = other.params
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    assert other.state_dict() == one.state_dict()
    assert other.params == parameters
    assert descend(other, after) == descend(one, after)


def test_a_state_is_a_copy() -> None:
    optimizer = Adam([Value(1.0)])
    descend(optimizer, [1.0])
    state = optimizer.state_dict()
    text = json.dumps(state)
    descend(optimizer, [1.0])
    assert json.dumps(state) == text
    assert json.dumps(optimizer.state_dict()) != text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "SGD"}, "this is a state of 'SGD', not of Adam"),
        ({"extra": 1}, "missing or unexpected: extra"),
        ({"exp_avg": [1.0]}, "exp_avg must be a list of 2 numbers, one for each parameter, got 1 numbers"),
        ({"exp_avg": 1.0}, "exp_avg must be a list of 2 numbers, one for each parameter, got 1.0"),
        ({"exp_avg_sq": [1.0, "2"]}, "exp_avg_sq: expected a real number or a Value, got str: '2'"),
        ({"steps": 1.5}, "steps must be an integer of 0 or more, got 1.5"),
        ({"lr": -1.0}, "lr must be 0 or more, got -1.0"),
        ({"betas": 3}, "betas must be two numbers, got 3"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change: dict[str, Any], message: str) -> None:
    optimizer = Adam([Value(1.0), Value(2.0)])
    descend(optimizer, [1.0])
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict({**before, **change})
    assert optimizer.state_dict() == before


# --- schedules: the recurrences that torch computes -------------------------------------------------------------------------------------


def cosine(lr: float, t: int, base: float, T_max: int, eta_min: float) -> float:
    if (t - 1 - T_max) % (2 * T_max) == 0:
        return lr + (base - eta_min) * (1 - math.cos(math.pi / T_max)) / 2
    return (1 + math.cos(math.pi * t / T_max)) / (1 + math.cos(math.pi * (t - 1) / T_max)) * (lr - eta_min) + eta_min


def linear(lr: float, t: int, base: float, start: float, end: float, total: int) -> float:
    return lr * (1 + (end - start) / (total * start + (t - 1) * (end - start))) if t <= total else lr


# The schedule, the first rate as a share of the optimiser's, and the next rate from the last, the number of steps, and the base rate.
SCHEDULES: dict[str, tuple[Callable[[Optimizer], LRScheduler], float, Callable[[float, int, float], float]]] = {
    "StepLR": (lambda o: StepLR(o, step_size=3, gamma=0.5), 1.0, lambda lr, t, base: lr * 0.5 if t % 3 == 0 else lr),
    "StepLR by default": (lambda o: StepLR(o, 4), 1.0, lambda lr, t, base: lr * 0.1 if t % 4 == 0 else lr),
    "MultiStepLR": (
        lambda o: MultiStepLR(o, milestones=[9, 2, 5, 5], gamma=0.5),
        1.0,
        lambda lr, t, base: lr * 0.5 ** [9, 2, 5, 5].count(t),
    ),
    "ExponentialLR": (lambda o: ExponentialLR(o, gamma=0.9), 1.0, lambda lr, t, base: lr * 0.9),
    "LinearLR": (
        lambda o: LinearLR(o, start_factor=0.25, end_factor=0.75, total_iters=7),
        0.25,
        lambda lr, t, base: linear(lr, t, base, 0.25, 0.75, 7),
    ),
    "LinearLR by default": (lambda o: LinearLR(o), 1 / 3, lambda lr, t, base: linear(lr, t, base, 1 / 3, 1.0, 5)),
    "CosineAnnealingLR": (
        lambda o: CosineAnnealingLR(o, T_max=6, eta_min=0.01),
        1.0,
        lambda lr, t, base: cosine(lr, t, base, 6, 0.01),
    ),
    "LambdaLR": (lambda o: LambdaLR(o, lr_lambda=lambda t: 1 - 0.9 * t / 30), 1.0, lambda lr, t, base: base * (1 - 0.9 * t / 30)),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("base", [1.0, 0.3])
def test_a_schedule_follows_its_recurrence(name: str, base: float) -> None:
    make, share, recurrence = SCHEDULES[name]
    optimizer = SGD([Value(1.0)], lr=base)
    schedule = make(optimizer)
    expected = base * share
    rates = [optimizer.lr]
    assert optimizer.lr == pytest.approx(expected, rel=1e-15)
    for t in range(1, 30):
        schedule.step()
        expected = recurrence(expected, t, base)
        assert optimizer.lr == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert schedule.get_last_lr() == [optimizer.lr]
        rates.append(optimizer.lr)
    assert len(set(rates)) > 3


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_saved_schedule_goes_on(name: str) -> None:
    make = SCHEDULES[name][0]
    one, other = SGD([Value(1.0)], lr=0.5), SGD([Value(1.0)], lr=0.1)
    first, second = make(one), make(other)
    for _ in range(4):
        first.step()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert other.lr == one.lr
    first.step()
    second.step()
    assert other.lr == one.lr


# --- wrong options ----------------------------------------------------------------------------------------------------------------------

p = Value(1.0, label="w")


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda: SGD([], lr=0.1), ValueError, "no parameters to optimise"),
        (lambda: SGD(MLP(2, [1]), lr=0.1), TypeError, r"such as model.parameters\(\), got MLP: MLP\(2, \[1\]\)"),
        (lambda: Adam(p), TypeError, "params must be a list of Values"),
        (lambda: Adam([p, 2.0]), TypeError, "parameter 1 must be a Value, got float: 2.0"),
        (lambda: SGD([p, Value(1.0), p]), ValueError, r"parameter 2 \(w\) is parameter 0 again"),
        (lambda: SGD([p * 2]), ValueError, r"parameter 0 is the result of '\*'.*optimise its leaves"),
        (lambda: SGD([p], lr=-0.1), ValueError, "lr must be 0 or more, got -0.1"),
        (lambda: SGD([p], lr=math.nan), ValueError, "lr must be finite, got nan"),
        (lambda: SGD([p], lr="fast"), ValueError, "lr: expected a real number .* got str: 'fast'"),
        (lambda: setattr(SGD([p]), "lr", -1), ValueError, "lr must be 0 or more, got -1"),
        (lambda: SGD([p], momentum=-0.9), ValueError, "momentum must be 0 or more, got -0.9"),
        (lambda: SGD([p], nesterov=True), ValueError, "nesterov=True needs momentum > 0 and dampening = 0, got momentum=0.0"),
        (lambda: SGD([p], momentum=0.9, dampening=0.1, nesterov=True), ValueError, "got momentum=0.9 and dampening=0.1"),
        (lambda: SGD([p], weight_decay=-1), ValueError, "weight_decay must be 0 or more"),
        (lambda: Adam([p], betas=(0.9, 1.0)), ValueError, r"betas must be at least 0 and less than 1, got \(0.9, 1.0\)"),
        (lambda: Adam([p], betas=0.9), ValueError, "betas must be two numbers, got 0.9"),
        (lambda: AdamW([p], eps=-1e-8), ValueError, "eps must be 0 or more"),
        (lambda: StepLR(p, 3), TypeError, "a schedule needs an optimizer with a learning rate, `lr`, such as SGD; got Value"),
        (lambda: StepLR(SGD([p]), 0), ValueError, "step_size must be an integer of 1 or more, got 0"),
        (lambda: MultiStepLR(SGD([p]), [1, 2.5]), ValueError, "a milestone must be an integer of 0 or more, got 2.5"),
        (lambda: MultiStepLR(SGD([p]), 5), TypeError, "milestones must be a list of numbers of steps, got int: 5"),
        (lambda: LinearLR(SGD([p]), "a"), ValueError, "start_factor: expected a real number"),
        (lambda: SGD([p]).load_state_dict({}), ValueError, "this is a state of None, not of SGD"),
        (lambda: SGD([p]).load_state_dict([1.0]), ValueError, r"this is a state of \[1.0\], not of SGD"),  # type: ignore[arg-type]
        (lambda: ExponentialLR(SGD([p]), -1), ValueError, "gamma must be 0 or more"),
        (lambda: LinearLR(SGD([p]), start_factor=0), ValueError, "start_factor must be greater than 0 and at most 1, got 0"),
        (lambda: LinearLR(SGD([p]), end_factor=2), ValueError, "end_factor must be from 0 to 1, got 2"),
        (lambda: CosineAnnealingLR(SGD([p]), T_max=0), ValueError, "T_max must be an integer of 1 or more, got 0"),
        (lambda: LambdaLR(SGD([p]), 0.5), TypeError, "lr_lambda must be a function of the number of steps, got float: 0.5"),
        (lambda: LambdaLR(SGD([p]), lambda t: -1.0), ValueError, "lr must be 0 or more"),
        (lambda: StepLR(SGD([p]), 3).load_state_dict({"lr": 1.0}), ValueError, "must have base_lr and last_epoch, got lr"),
    ],
)
def test_a_mistake_is_told(mistake: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mistake()
