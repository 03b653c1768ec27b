"""`@compile`: a function is traced once for each shape of its arguments, and runs as machine code from then on."""

from __future__ import annotations

import functools
import os
import sys
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.compiler.arguments import Argument, batch_length, columns_among, names_of
from chainrule.compiler.calls import Push, Quick, Run, Traced, kind_of_loss
from chainrule.compiler.checks import Checks, poisoned
from chainrule.compiler.errors import TraceError
from chainrule.compiler.graphs import again, filled_in, warn_irregular
from chainrule.compiler.locks import new_lock
from chainrule.compiler.lowering import CannotLowerError, Layout
from chainrule.compiler.program import Program, TooIrregularError
from chainrule.compiler.results import Results
from chainrule.compiler.several import Several
from chainrule.compiler.structure import Structure
from chainrule.compiler.tape import record, settled
from chainrule.compiler.tracing import is_tracing, refuse, trace, untraced
from chainrule.engine import Value, constant, topological_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chainrule.compiler.native import Target
    from chainrule.compiler.tape import Tape

CACHED = 64


class CacheInfo(NamedTuple):
    """As `functools.lru_cache` has it: how often a program was found in the cache, how often a trace was needed, and how many programs are
    kept."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


class CompiledFunction:
    """A function that is traced once for each shape of its arguments, and runs as machine code.

    Arguments:
        function: a function of numbers, arrays or nested lists that computes with Values.
        batch: how the results of the samples are combined: "mean", "sum", or "each"; the function is then written for one sample, and the
            arguments have a leading axis. None for a function of the whole data.
        dtype: "float64" or "float32".
        target: the machine; this one by default.
        threads: how many threads compute the samples of a batch.
    """

    compiled = True

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        batch: str | None = None,
        dtype: str = "float64",
        target: Target | None = None,
        threads: int = 1,
    ) -> None:
        self._function = function
        self._batch = batch
        self._dtype = dtype
        self._target = target
        self._threads = threads
        self._name = getattr(function, "__name__", type(function).__name__)
        self._cache: OrderedDict[Any, Traced] = OrderedDict()
        self._hits = self._misses = 0
        self._lock = new_lock()
        self._backward_expected = False
        self._pool: ThreadPoolExecutor | None = None
        self._pool_of = 0
        self._last: Traced | None = None
        self._quick: dict[Any, Quick] = {}
        self._known_names: dict[int, list[str]] = {}
        self._shared: dict[Any, dict[Any, Program]] = {}
        self._structure = Structure(function)
        functools.update_wrapper(self, function, updated=())

    # --- calling ------------------------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the function.

        Returns:
            If the function returns one Value: a Value whose `backward()` fills the gradients of the captured Values, or with batch="each"
            an array with a number for each sample. If it returns tuples, lists and dicts: the same tuples and dicts, with arrays in place
            of lists, and each Value outside a list as such a Value, as a float if it depends on no captured Value, or with batch="each" as
            an array.
        """
        if self._quick and not kwargs:
            if self._structure.has_changed():
                self.cache_clear()
            quick = self._quick.get(tuple([(x.shape, x.dtype) if type(x) is np.ndarray else None for x in args]))
            if quick is not None and self._backward_expected and not is_tracing():
                self._hits += 1
                self._last = quick.traced
                return quick.loss(args)
        if is_tracing():
            return self._within_a_trace(args, kwargs)
        arguments = self._arguments(args, kwargs)
        samples = batch_length(arguments) if self._batch is not None else 1
        traced = self._traced(arguments, tuple(kwargs))
        program = traced.program
        if program is None:
            return self._eagerly(arguments, tuple(kwargs))
        if self._returns_loss(traced):
            return self._loss(traced, arguments, samples, quick=not kwargs)
        return self._several(traced, arguments, samples)

    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[Any, tuple[np.ndarray | None, ...]]:
        """Compute the function and its derivatives with respect to its arguments.

        Returns:
            The value, and a tuple of derivatives. The value is a float, or with batch="each" an array with one for each sample. The
            derivatives are an array of the argument's shape for each argument, or None for an argument of integers.

        Raises:
            TypeError: if the function does not return one Value.
        """
        if is_tracing():
            refuse(
                f"value_and_grad() of the compiled {self._name} was called, but its results would be constants. Call {self._name} itself"
            )
        arguments = self._arguments(args, kwargs)
        samples = batch_length(arguments) if self._batch is not None else 1
        traced = self._traced(arguments, tuple(kwargs))
        if not traced.results.is_scalar:
            raise TypeError(
                f"value_and_grad() needs a function that returns one Value, but {self._name} returns {len(traced.results.values)}. Compile "
                "a function that returns only the Value to differentiate"
            )
        program = traced.program
        if program is None:
            return self._value_and_grad_eagerly(arguments, tuple(kwargs))
        kernel = program.kernel(inputs=True)
        run = Run(self, kernel, traced, arguments, samples)
        gradients: list[np.ndarray | None] = []
        bound: dict[Any, np.ndarray] = {}
        for argument, buffer in zip(arguments, program.lowered.inputs, strict=True):
            if buffer is None:  # the function does not use it
                gradients.append(None if argument.integer else np.zeros(argument.array.shape, self._dtype))
                continue
            array = np.empty(argument.array.shape, self._dtype)
            gradients.append(None if argument.integer else array)
            bound[kernel.gradients[buffer]] = array
        output = np.empty(samples, self._dtype)
        bound[program.lowered.output] = output
        loss = run.go(bound)
        if program.checks is not None and np.isnan(output).any():
            program.checks.refuse(arguments)
        value: Any = output if self._batch == "each" else loss if self._batch is not None else float(output[0])
        return value, tuple(gradients)

    @property
    def program(self) -> Program | None:
        """The program of the last call; None before the first, and if it could not be compiled."""
        return None if self._last is None else self._last.program

    def cache_info(self) -> CacheInfo:
        """How often a program was found in the cache and how often not, how many are kept at most, and how many there are."""
        return CacheInfo(self._hits, self._misses, CACHED, len(self._cache))

    def cache_clear(self) -> None:
        """Forget all programs: the next call traces the function anew. Call this if the objects that the function uses have other
        parameters now."""
        with self._lock:
            self._cache.clear()
            self._quick.clear()
            self._shared.clear()
            self._hits = self._misses = 0
            self._last = None

    def trace(self, *args: Any, **kwargs: Any) -> Traced:
        """Trace the function for arguments like these, without running it."""
        return self._traced(self._arguments(args, kwargs), tuple(kwargs))

    # --- the loss and its gradients -----------------------------------------------------------------------------------------------------

    def _returns_loss(self, traced: Traced) -> bool:
        return traced.results.is_scalar and self._batch != "each"

    def _loss(self, traced: Traced, arguments: list[Argument], samples: int, *, quick: bool) -> Value:
        """The result as a Value whose backward() fills the gradients of the captured Values, and of Values among the arguments."""
        given = [value for argument in arguments if argument.values is not None for value in argument.values]
        run = Run(self, None, traced, arguments, samples)
        at_once = self._backward_expected and bool(traced.captured) and not given
        if quick and at_once and Quick.can(traced, arguments, self):
            self._quick[tuple((argument.array.shape, argument.array.dtype) for argument in arguments)] = Quick(self, traced, arguments)
        number, gradients = run.gradients(inputs=False) if at_once else (run.value(), None)
        if number != number and run.program.checks is not None:
            run.program.checks.refuse(arguments)
        parents = (*traced.captured, *given) if given else traced.captured
        if not parents:
            return Value(number)
        kind = kind_of_loss(given) if given and traced.kind is Value else traced.kind
        loss = kind(number, parents, "compiled")
        loss._backward = Push(run if at_once else run.snapshot(), gradients, given)
        return loss

    def _several(self, traced: Traced, arguments: list[Argument], samples: int) -> Any:
        """Several results: arrays for lists; else Values with a backward() of their own, or, with batch="each", arrays too."""
        program = traced.program
        assert program is not None
        output = np.empty((samples, len(traced.results.values)), self._dtype)
        run = Run(self, program.kernel(), traced, arguments, samples)
        run.go({program.lowered.output: output})
        if program.checks is not None and np.isnan(output).any():
            program.checks.refuse(arguments)
        if self._batch == "each":
            return traced.results.filled(output, lambda k: output[:, k].copy(), lambda number: np.full(samples, number))
        several = traced.several
        assert several is not None
        given = [value for argument in arguments if argument.values is not None for value in argument.values]
        run.snapshot()
        totals = output.sum(0, np.float64) / (samples if self._batch == "mean" else 1)
        numbers = output if self._batch is not None else output[0]
        return traced.results.filled(
            numbers, lambda k: several.value(k, float(totals[k]), run, given), lambda number: self._joined_number(number, samples)
        )

    def _joined_number(self, number: Any, samples: int) -> Any:
        """The mean or the sum, over the samples, of a number that is the same for every sample."""
        return number * samples if self._batch == "sum" else number

    # --- arguments and traces -------------------------------------------------------------------------------------------------------------

    def _arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Argument]:
        batched = self._batch is not None
        names = [*self._names(len(args)), *kwargs]
        return [Argument(name, given, batched=batched) for name, given in zip(names, (*args, *kwargs.values()), strict=True)]

    def _names(self, count: int) -> list[str]:
        names = self._known_names.get(count)
        if names is None:
            names = self._known_names[count] = names_of(self._function, count)
        return names

    def _traced(self, arguments: list[Argument], keywords: tuple[str, ...]) -> Traced:
        if self._structure.has_changed():
            self.cache_clear()
        key = (keywords, *(argument.key for argument in arguments))
        with self._lock:
            traced = self._cache.get(key)
            if traced is not None:
                self._hits += 1
                if self._last is not traced:
                    self._cache.move_to_end(key)
                    self._last = traced
                return traced
            self._misses += 1
            traced = self._cache[key] = self._trace(arguments, keywords)
            self._last = traced
            if len(self._cache) > CACHED:
                self._cache.popitem(last=False)
                self._quick.clear()
            return traced

    def _trace(self, arguments: list[Argument], keywords: tuple[str, ...], layout: Layout | None = None) -> Traced:
        """Trace the function; with a layout, for one sample, and to share its parameters with other programs."""
        try:
            found = trace(self._function, arguments, keywords)
        except (TypeError, ValueError) as error:
            if not isinstance(error, TraceError) and (told := columns_among(arguments, error)):
                raise TypeError(told) from error
            if self._batch is not None and arguments and not any(argument.shape for argument in arguments):
                error.add_note(
                    f"The first axis of an argument counts the samples, so each number of {arguments[0].name} was taken as a sample; to "
                    f"pass one sample, put it in a list: [{arguments[0].name}]"
                )
            raise
        results = Results(found.result, self._name)
        checks = Checks(self, found, keywords) if found.conditions else None
        results.values = poisoned(results.values, found)
        found = found._replace(result=None, conditions=[])
        if not results.values:
            raise TypeError(f"{self._name} returned no Value: there is nothing to compute")
        if self._batch in ("mean", "sum"):
            results.join()
            if not results.single:
                raise TypeError(
                    f"batch={self._batch!r} needs a function that returns one Value for each sample, but {self._name} returns "
                    f"{len(results.values)}: compile it with batch=None, which keeps the results of each sample"
                )
        inputs = [(argument.name, int(np.prod(argument.shape))) for argument in arguments]
        tape = record(results.values, found.places)
        results.values = [constant(0.0)] * len(results.values)  # the graph is not needed any more
        tape = settled(tape, found.leaves)
        batched = self._batch is not None and layout is None
        reduction = self._batch if self._batch in ("mean", "sum") and layout is None else None

        def program_of(tape: Tape, reduction: str | None) -> Program:
            return Program(tape, inputs, batched=batched, reduction=reduction, dtype=self._dtype, target=self._target, layout=layout)

        several = None
        try:
            program = program_of(tape, reduction if results.is_scalar else None)
            if not results.is_scalar and self._batch != "each" and layout is None:
                several = Several(tape, results, lambda tape: program_of(tape, reduction))
        except (TooIrregularError, CannotLowerError, RecursionError) as error:
            warn_irregular(self._name, error)
            captured = tuple(tape.parameters.values())
            return Traced(None, list(captured), captured, results)
        program.lowered.bound(found.indices)
        program.checks = checks
        leaves = filled_in(program.lowered.parameters)
        captured = tuple(leaf for leaf in program.lowered.parameters if leaf is not None)
        return Traced(program, leaves, captured, results, several, kind_of_loss(captured))

    def shared_programs(self, arguments: dict[Any, list[Argument]]) -> dict[Any, Program] | None:
        """Programs for several shapes of arguments that can work on the same parameters in memory, each for one sample.

        Arguments:
            arguments: for each key, arguments of one shape; the shape with the most parameters first.

        Returns:
            For each key its program; None if one cannot be compiled.

        Raises:
            TypeError: if the function does not return one Value.
        """
        key = tuple(arguments)
        with self._lock:
            if key not in self._shared:
                layout = Layout()
                programs: dict[Any, Program] = {}
                for again in (False, True):  # those made before all parameters had a place are made again
                    for shape, given in arguments.items():
                        if again and len(programs[shape].lowered.parameters) == layout.size:
                            continue
                        traced = self._trace(given, (), layout)
                        if not traced.results.is_scalar:
                            raise not_one_loss(traced, self._name)
                        if traced.program is None:
                            return None
                        programs[shape] = traced.program
                self._shared[key] = programs
            return self._shared[key]

    # --- without a program ----------------------------------------------------------------------------------------------------------------

    def _within_a_trace(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call the function while another one is being traced: its graph becomes part of the other's."""
        rows = [(*args, *kwargs.values())] if self._batch is None else list(zip(*args, *kwargs.values(), strict=True))
        results = [
            Results(self._function(*row[: len(args)], **dict(zip(kwargs, row[len(args) :], strict=True))), self._name) for row in rows
        ]
        numbers = np.empty((len(results), len(results[0].values)), object)  # arrays in place of lists, as ever, but of Values
        for row, result in zip(numbers, results, strict=True):
            row[:] = result.values
        return self._filled(results, numbers)

    def _filled(self, results: list[Results], numbers: np.ndarray) -> Any:
        """The results of the samples in their shape, computed on the eager engine; `numbers` holds the numbers in lists."""
        samples = len(results)
        if self._batch == "each":
            return results[0].filled(numbers, lambda k: numbers[:, k].copy(), lambda number: np.full(samples, number))
        if self._batch is not None:
            for result in results:
                result.join()
        return results[0].filled(
            numbers if self._batch is not None else numbers[0],
            lambda k: self._joined(results, k),
            lambda number: self._joined_number(number, samples),
        )

    def _results_eagerly(self, arguments: list[Argument], leaves: Sequence[list[Any]], keywords: tuple[str, ...]) -> list[Results]:
        """The results of the function itself on the eager engine: for each sample, or once."""
        columns = [argument.for_samples(values) for argument, values in zip(arguments, leaves, strict=True)]
        positional = len(columns) - len(keywords)
        rows: list[tuple[Any, ...]] = list(zip(*columns, strict=True)) if columns else [()]
        with untraced():
            found = [self._function(*row[:positional], **dict(zip(keywords, row[positional:], strict=True))) for row in rows]
        return [Results(result, self._name) for result in found]

    def _joined(self, results: list[Results], place: int = 0) -> Value:
        """One of the results, for the whole batch: the loss."""
        total = sum((result.values[place] for result in results[1:]), results[0].values[place])
        return total / len(results) if self._batch == "mean" else total

    def _eagerly(self, arguments: list[Argument], keywords: tuple[str, ...]) -> Any:
        results = self._results_eagerly(arguments, [argument.leaves() for argument in arguments], keywords)
        return self._filled(results, np.array([[value._data for value in result.values] for result in results]))

    def _value_and_grad_eagerly(self, arguments: list[Argument], keywords: tuple[str, ...]) -> tuple[Any, tuple[np.ndarray | None, ...]]:
        leaves = [
            argument.array.ravel().tolist() if argument.integer else [Value(x) for x in argument.array.ravel().tolist()]
            for argument in arguments
        ]
        results = self._results_eagerly(arguments, leaves, keywords)
        total = self._joined(results)
        nodes = [node for node in topological_order(total) if not node._operands]
        before = [node.grad for node in nodes]
        total.backward()
        gradients = [
            None if argument.integer else np.reshape([value.grad for value in values], argument.array.shape)
            for argument, values in zip(arguments, leaves, strict=True)
        ]
        for node, grad in zip(nodes, before, strict=True):  # those of captured Values stay as they were
            node.grad = grad
        value = np.array([result.values[0].data for result in results]) if self._batch == "each" else total.data
        return value, tuple(gradients)

    # --- copies ---------------------------------------------------------------------------------------------------------------------------

    def __reduce__(self) -> Any:
        if name := _name_in_module(self):
            return name
        owner = getattr(self._function, "__self__", None)
        if owner is not None and isinstance(getattr(type(owner), self._name, None), CompiledFunction):
            return getattr, (owner, self._name)  # a method, which each instance compiles for itself
        options: dict[str, Any] = {"dtype": self._dtype, "target": self._target, "threads": self._threads}
        if self._batch is not None:
            options["batch"] = self._batch
        return again, (self._function, options)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bind a method: the function is compiled for each instance separately."""
        if instance is None:
            return self
        if not hasattr(instance, "__dict__"):
            raise TypeError(
                f"{type(instance).__name__} has __slots__, so the compiled {self._name} cannot be stored in it: add '__dict__' to __slots__"
            )
        name = f"_compiled_{self._name}"
        bound = vars(instance).get(name)
        if bound is None or bound._function.__func__ is not self._function or bound._function.__self__ is not instance:
            method = self._function.__get__(instance, owner)
            bound = CompiledFunction(method, batch=self._batch, dtype=self._dtype, target=self._target, threads=self._threads)
            vars(instance)[name] = bound
        return bound

    def __repr__(self) -> str:
        batch = "" if self._batch is None else f", batch={self._batch!r}"
        return f"<compiled {self._name}{batch}, {len(self._cache)} programs>"

    def pool(self) -> ThreadPoolExecutor:
        """The threads that compute the samples; a process that was just forked has none yet."""
        with self._lock:
            if self._pool is None or self._pool_of != os.getpid():
                self._pool, self._pool_of = ThreadPoolExecutor(self._threads, "chainrule"), os.getpid()
            return self._pool


def not_one_loss(traced: Traced, name: str) -> TypeError:
    """The error of a training whose loss is returned together with other results."""
    return TypeError(
        f"the loss must be one Value, but {name} returns {len(traced.results.values)}. For training, compile a function that returns only "
        "the loss; to report scores, call the other function in a callback"
    )


def _name_in_module(function: CompiledFunction) -> str:
    """The name by which a pickle can find it, if it has replaced the original function in its module."""
    name: str = getattr(function, "__qualname__", "")
    found: Any = sys.modules.get(getattr(function, "__module__", ""))
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found is function else ""


__all__ = ["CacheInfo", "CompiledFunction", "TraceError"]
