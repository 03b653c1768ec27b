"""`@compile`: a function is traced once for each shape of its arguments, and runs as machine code from then on."""

from __future__ import annotations

import functools
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from chainrule.compiler.capture.arguments import batch_length, names_of
from chainrule.compiler.capture.modules import Structure
from chainrule.compiler.capture.tracing import is_tracing, refuse
from chainrule.compiler.errors import TraceError
from chainrule.compiler.runtime import eager
from chainrule.compiler.runtime.calls import Call, Push, Quick
from chainrule.compiler.runtime.compiling import arguments_of, compiled, shared_programs
from chainrule.compiler.runtime.definition import Definition
from chainrule.compiler.runtime.locks import new_lock
from chainrule.compiler.runtime.traced import Traced, kind_of_loss
from chainrule.engine import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chainrule.compiler.capture.arguments import Argument
    from chainrule.compiler.runtime.program import Program

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
        definition: the function, and how it is compiled.
    """

    compiled = True

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self._function, self._name, self._dtype = definition.function, definition.name, definition.dtype
        self._cache: OrderedDict[Any, Traced] = OrderedDict()
        self._hits = self._misses = 0
        self._lock = new_lock()
        self._last: Traced | None = None
        self._quick: dict[Any, Quick] = {}
        self._known_names: dict[int, list[str]] = {}
        self._shared: dict[Any, dict[Any, Program] | None] = {}
        self._structure = Structure(definition.function)
        functools.update_wrapper(self, definition.function, updated=())

    # --- calling ------------------------------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the function.

        Returns:
            If the function returns one Value: a Value whose `backward()` fills the gradients of the captured Values, or with batch=None
            an array with a number for each sample. If it returns tuples, lists and dicts: the same tuples and dicts, with arrays in place
            of lists, and each Value outside a list as such a Value, as a float if it depends on no captured Value, or with batch=None as
            an array.
        """
        if self._quick and not kwargs:
            if self._structure.has_changed():
                self.cache_clear()
            quick = self._quick.get(tuple([(x.shape, x.dtype) if type(x) is np.ndarray else None for x in args]))
            if quick is not None and self.definition.expects_backward and not is_tracing():
                self._hits += 1
                self._last = quick.traced
                return quick.loss(args)
        if is_tracing():
            return eager.within_a_trace(self.definition, args, kwargs)
        arguments = self._arguments(args, kwargs)
        samples = batch_length(arguments) if self.definition.batched else 1
        traced = self._traced(arguments, tuple(kwargs))
        program = traced.program
        if program is None:
            return eager.called(self.definition, arguments, tuple(kwargs))
        if self._returns_loss(traced):
            return self._loss(traced, arguments, samples, quick=not kwargs)
        return self._several(traced, arguments, samples)

    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[Any, tuple[np.ndarray | None, ...]]:
        """Compute the function and its derivatives with respect to its arguments.

        Returns:
            The value, a float, or with batch=None an array with one for each sample; and for each argument an array of its shape, with
            the derivatives of the value, or of each sample's own value; None for an argument of integers.

        Raises:
            TypeError: if the function does not return one Value.
        """
        if is_tracing():
            refuse(
                f"value_and_grad() of the compiled {self._name} was called, but its results would be constants. Call {self._name} itself"
            )
        arguments = self._arguments(args, kwargs)
        samples = batch_length(arguments) if self.definition.batched else 1
        traced = self._traced(arguments, tuple(kwargs))
        if not traced.results.is_scalar:
            raise TypeError(
                f"value_and_grad() needs a function that returns one Value, but {self._name} returns {len(traced.results.values)}. Compile "
                "a function that returns only the Value to differentiate"
            )
        program = traced.program
        if program is None:
            return eager.value_and_grad(self.definition, arguments, tuple(kwargs))
        kernel = program.kernel(inputs=True)
        call = Call(self.definition, kernel, traced, arguments, samples)
        gradients: list[np.ndarray | None] = []
        bound: dict[Any, np.ndarray] = {}
        for argument, buffer in zip(arguments, program.lowered.inputs, strict=True):
            if buffer is None:  # the function does not use it
                gradients.append(None if argument.integer else np.zeros(argument.array.shape, self.definition.dtype))
                continue
            array = np.empty(argument.array.shape, self.definition.dtype)
            gradients.append(None if argument.integer else array)
            bound[kernel.gradients[buffer]] = array
        output = np.empty(samples, self.definition.dtype)
        bound[program.lowered.output] = output
        loss = call.go(bound)
        if program.refuse is not None and np.isnan(output).any():
            program.refuse(arguments)
        value: Any = output if self.definition.keeps_samples else loss if self.definition.batched else float(output[0])
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
        return traced.results.is_scalar and not self.definition.keeps_samples

    def _loss(self, traced: Traced, arguments: list[Argument], samples: int, *, quick: bool) -> Value:
        """The result as a Value whose backward() fills the gradients of the captured Values, and of Values among the arguments."""
        definition = self.definition
        given = [value for argument in arguments if argument.values is not None for value in argument.values]
        call = Call(definition, None, traced, arguments, samples)
        at_once = definition.expects_backward and bool(traced.captured) and not given
        if quick and at_once and Quick.can(traced, arguments, definition):
            shapes = tuple((argument.array.shape, argument.array.dtype) for argument in arguments)
            self._quick[shapes] = Quick(definition, traced, arguments)
        number, gradients = call.gradients(inputs=False) if at_once else (call.value(), None)
        if number != number and call.program.refuse is not None:
            call.program.refuse(arguments)
        parents = (*traced.captured, *given) if given else traced.captured
        if not parents:
            return Value(number)
        kind = kind_of_loss(given) if given and traced.kind is Value else traced.kind
        loss = kind(number, parents, "compiled")
        loss._backward = Push(call if at_once else call.snapshot(), gradients, given)
        return loss

    def _several(self, traced: Traced, arguments: list[Argument], samples: int) -> Any:
        """Several results: arrays for lists; else Values with a backward() of their own, or, with batch=None, arrays too."""
        program, definition = traced.program, self.definition
        assert program is not None
        output = np.empty((samples, len(traced.results.values)), definition.dtype)
        call = Call(definition, program.kernel(), traced, arguments, samples)
        call.go({program.lowered.output: output})
        if program.refuse is not None and np.isnan(output).any():
            program.refuse(arguments)
        if definition.keeps_samples:
            return traced.results.filled(output, lambda k: output[:, k].copy(), lambda number: np.full(samples, number))
        result = traced.result
        assert result is not None
        given = [value for argument in arguments if argument.values is not None for value in argument.values]
        call.snapshot()
        totals = output.sum(0, np.float64) / (samples if definition.reduction == "mean" else 1)
        return traced.results.filled(
            output if definition.batched else output[0],
            lambda k: result(k, float(totals[k]), call, given),
            lambda number: eager.joined_number(definition, number, samples),
        )

    # --- arguments and traces -------------------------------------------------------------------------------------------------------------

    def _arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Argument]:
        return arguments_of(self.definition, [*self._names(len(args)), *kwargs], [*args, *kwargs.values()])

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
            traced = self._cache[key] = compiled(self.definition, arguments, keywords)
            self._last = traced
            if len(self._cache) > CACHED:
                self._cache.popitem(last=False)
                self._quick.clear()
            return traced

    def shared_programs(self, arguments: Mapping[Any, list[Argument]]) -> dict[Any, Program] | None:
        """Programs for several shapes of arguments that can work on the same parameters in memory: see `compiling.shared_programs`."""
        key = tuple(arguments)
        with self._lock:
            if self._shared.get(key) is None:
                self._shared[key] = shared_programs(self.definition, arguments)
            return self._shared[key]

    # --- copies ---------------------------------------------------------------------------------------------------------------------------

    def __reduce__(self) -> Any:
        if name := _name_in_module(self):
            return name
        owner = getattr(self._function, "__self__", None)
        if owner is not None and isinstance(getattr(type(owner), self._name, None), CompiledFunction):
            return getattr, (owner, self._name)  # a method, which each instance compiles for itself
        return again, (self._function, self.definition.options)

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
            bound = again(self._function.__get__(instance, owner), self.definition.options)
            vars(instance)[name] = bound
        return bound

    def __repr__(self) -> str:
        batch = f", batch={self.definition.reduction!r}" if self.definition.batched else ""
        return f"<compiled {self._name}{batch}, {len(self._cache)} program{'s' * (len(self._cache) != 1)}>"


def again(function: Any, options: dict[str, Any]) -> CompiledFunction:
    """Compile what a pickle or a copy was made from, or a method for an instance."""
    return CompiledFunction(Definition(function, **options))


def _name_in_module(function: CompiledFunction) -> str:
    """The name by which a pickle can find it, if it has replaced the original function in its module."""
    name: str = getattr(function, "__qualname__", "")
    found: Any = sys.modules.get(getattr(function, "__module__", ""))
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found is function else ""


__all__ = ["CacheInfo", "CompiledFunction", "TraceError"]
