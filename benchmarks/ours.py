"""chainrule's rows: in `fit`, called each step, as a compiled graph, and eagerly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import numpy as np

import chainrule
from chainrule.schedules import LambdaLR
from harness import clock, keep_memory, repeated
from peers_numpy import price_and_slopes, trained
from problems import BETAS, EPSILON, OPTIONS, RATE, STEPS, TRAININGS, Training, check, documents, flat, options, price

Numbers = Iterator[dict[str, float]]


def fitted(fit: Callable[[int], object], unit: str, steps: int, at_least: float = 0.2) -> Numbers:
    """Time per step of `fit(steps)`: a long run less a short one of `steps`, so that what is done once for each run does not count."""
    more = steps
    while True:
        start = clock()
        fit(more)
        if clock() - start > at_least:
            break
        more *= 2
    while True:
        start = clock()
        fit(steps)
        between = clock()
        fit(steps + more)
        end = clock()
        yield {unit: ((end - between) - (between - start)) / more * 1e6}


# --- networks ----------------------------------------------------------------------------------------------------------------------------


def network(training: Training, fused: bool = True) -> chainrule.MLP:
    """The library's own MLP with the initial parameters."""
    sizes = [weights.shape[0] for weights, _ in training.layers]
    model = chainrule.MLP(training.inputs.shape[-1], sizes, fused=fused)
    for parameter, number in zip(model.parameters(), flat(training.layers).tolist(), strict=True):
        parameter.data = number
    return model


def whole_batch_loss(training: Training, model: chainrule.MLP) -> Callable[..., Any]:
    """A loss of all points, as one writes it eagerly."""
    if training.loss == "squares":

        def loss(points: Any, targets: Any) -> Any:
            return chainrule.mean((model(point) - target) ** 2 for point, target in zip(points, targets, strict=True))
    else:

        def loss(points: Any, targets: Any) -> Any:
            margins = chainrule.mean((1 - target * model(point)).relu() for point, target in zip(points, targets, strict=True))
            return margins + training.penalty * sum(p * p for p in model.parameters())

    return loss


def compiled_loss(training: Training, model: chainrule.MLP, dtype: str) -> Any:
    """The loss as `fit` takes it: of the whole batch where there is one, of one sample where there are minibatches."""
    if training.loss != "cross entropy":
        return chainrule.compile(whole_batch_loss(training, model), dtype=dtype)

    @chainrule.compile(batch="mean", dtype=dtype)
    def loss(pixels: Any, target: Any) -> Any:
        return chainrule.cross_entropy(model(pixels), target)

    return loss


def checked(training: Training, dtype: str, model: chainrule.MLP) -> None:
    """Compare the model's parameters with the reference's."""
    check([p.data for p in model.parameters()], trained(training), dtype)


def fit_row(name: str, dtype: str) -> Numbers:
    """Everything in `fit`."""
    training = TRAININGS[name]()
    model = network(training)
    loss, optimizer = compiled_loss(training, model, dtype), chainrule.SGD(model.parameters(), lr=training.rate)
    batches, samples, width = training.inputs.shape
    data = (training.inputs.reshape(-1, width), training.targets.reshape(-1))

    def fit(steps: int) -> None:
        chainrule.fit(loss, data, optimizer=optimizer, steps=steps, batch_size=samples, shuffle=False)

    fit(training.checked * batches)
    checked(training, dtype, model)
    yield from fitted(fit, "µs/step", batches)


def called_row(name: str, dtype: str) -> Numbers:
    """A loop in Python: `loss = f(inputs, targets); loss.backward(); optimizer.step()`."""
    training = TRAININGS[name]()
    model = network(training)
    loss_of, optimizer = compiled_loss(training, model, dtype), chainrule.SGD(model.parameters(), lr=training.rate)
    batches = list(zip(training.inputs, training.targets, strict=True))

    def epoch() -> None:
        for inputs, targets in batches:
            loss = loss_of(inputs, targets)
            loss.backward()
            optimizer.step()

    yield from _epochs(training, dtype, model, epoch, len(batches))


def graph_row(name: str, dtype: str) -> Numbers:
    """A loop in Python around a compiled graph: `step(); optimizer.step()`."""
    training = TRAININGS[name]()
    model = network(training)
    loss = whole_batch_loss(training, model)(training.inputs[0].tolist(), training.targets[0].tolist())
    step, optimizer = chainrule.compile(loss, dtype=dtype), chainrule.SGD(model.parameters(), lr=training.rate)

    def epoch() -> None:
        step()
        optimizer.step()

    yield from _epochs(training, dtype, model, epoch, 1)


def eager_row(name: str) -> Numbers:
    """The same without compiling."""
    training = TRAININGS[name]()
    model = network(training)
    optimizer = chainrule.SGD(model.parameters(), lr=training.rate)
    if training.loss == "cross entropy":

        def loss_of(rows: Any, targets: Any) -> Any:
            return chainrule.cross_entropy([model(row) for row in rows], targets)
    else:
        loss_of = whole_batch_loss(training, model)
    batches = list(zip(training.inputs.tolist(), training.targets.tolist(), strict=True))

    def epoch() -> None:
        for inputs, targets in batches:
            loss_of(inputs, targets).backward()
            optimizer.step()

    yield from _epochs(training, "float64", model, epoch, len(batches))


def _epochs(training: Training, dtype: str, model: chainrule.MLP, epoch: Callable[[], None], steps: int) -> Numbers:
    for _ in range(training.checked):
        epoch()
    checked(training, dtype, model)
    yield from repeated(epoch, "µs/step", 1e-6, steps)


# --- the price of an option --------------------------------------------------------------------------------------------------------------


def options_row(dtype: str, kept: bool) -> Numbers:
    """A function of one option, mapped over all."""
    if kept:
        keep_memory()
    compiled = chainrule.compile(lambda *one: price(*one, chainrule), batch=None, dtype=dtype)
    arguments = [column.astype(dtype) for column in options()]
    prices, slopes = compiled.value_and_grad(*arguments)
    for got, want in zip((prices, *slopes), price_and_slopes(*options()), strict=True):
        check(got, want, dtype)
    del prices, slopes
    yield from repeated(lambda: compiled.value_and_grad(*arguments), "ns/option", 1e-9, OPTIONS)


# --- the transformer ---------------------------------------------------------------------------------------------------------------------


def transformer_loss(model: Any) -> Callable[[Any, Any], Any]:
    """The mean surprise at the targets of one document, with the tokens as data: `take` in place of indexing."""
    from tiny_transformer import add, linear, normalize

    def loss(tokens: Any, targets: Any) -> Any:
        seen = model.start()
        surprises = []
        for position, (token, target) in enumerate(zip(tokens, targets, strict=True)):
            x = normalize(add(chainrule.take(model.token, token), model.position[position]))
            for block, (keys, values) in zip(model.blocks, seen, strict=True):
                x = block(x, keys, values)
            surprises.append(-chainrule.take(chainrule.log_softmax(linear(model.head, x)), target))
        return sum(surprises) * (1.0 / len(surprises))

    return loss


def transformer_row(dtype: str, form: str) -> Numbers:
    """Time per document, Adam included, in `fit` or called each step."""
    import transformer

    model = transformer.model()
    optimizer = chainrule.Adam(model.parameters(), lr=RATE, betas=BETAS, eps=EPSILON)
    schedule = LambdaLR(optimizer, lambda taken: 1 - taken / STEPS)
    tokens = [np.array(document[:-1]) for document in documents()]
    targets = [np.array(document[1:]) for document in documents()]
    losses: list[float] = []
    if form == "fit":
        loss_of = chainrule.compile(transformer_loss(model), batch="mean", dtype=dtype)

        def fit(steps: int) -> None:
            data = (tokens, targets)
            history = chainrule.fit(loss_of, data, optimizer=optimizer, schedule=schedule, steps=steps, batch_size=1, shuffle=False)
            losses[:] = history.loss

        fit(len(tokens))
        check(losses[:3], transformer.reference_losses(3), dtype)
        yield from fitted(fit, "µs/document", len(tokens))
    loss_of = chainrule.compile(transformer_loss(model), dtype=dtype)

    def step(document: int) -> float:
        loss = loss_of(tokens[document], targets[document])
        optimizer.zero_grad()  # backward() zeroes only what this document reaches
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss.data

    check([step(document) for document in range(3)], transformer.reference_losses(3), dtype)
    order = cycle(range(len(tokens)))

    def go() -> None:
        for document in islice(order, len(tokens)):
            step(document)

    yield from repeated(go, "µs/document", 1e-6, len(tokens))
