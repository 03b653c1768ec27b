"""Machine code: LLVM compiles the text of a program's functions for a machine."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm

from chainrule.compiler.functions import table as vector_math

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainrule.compiler.ir.machine import Target

# The time that LLVM takes: `benchmarks/compiled.py --only compile`.
MOST_INLINED = 3000  # lines of one elementary function, over all places that call it


@cache
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def _machine(target: Target) -> Any:
    return llvm.Target.from_default_triple().create_target_machine(cpu=target.cpu, features=target.features, opt=1)


@cache
def _passes(target: Target) -> tuple[Any, Any]:
    """What simplifies a module; one for all modules, since llvmlite does not free it."""
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    return passes, llvm.create_pass_builder(_machine(target), llvm.create_pipeline_tuning_options(speed_level=1))


class LoopStrength:
    """Switches LLVM's loop strength reduction off while machine code is made.

    It takes most of the compile time of a long program, and gains nothing here, because the processor's addressing modes do the same. The
    switch belongs to the whole process, so it is set back as soon as no thread of ours needs it; code that others compile meanwhile, such
    as numba's, is still right. LLVM ends the process at a switch that it does not know, so the switch is set only in versions that were
    tested.
    """

    VERSIONS = range(20, 23)

    def __init__(self) -> None:
        self._begin()
        if hasattr(os, "register_at_fork"):  # where another thread was at it, the child would wait for it for ever
            os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._users = 0

    @contextmanager
    def off(self) -> Iterator[None]:
        """A block in which it is off."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            before, self._users = self._users, self._users + more
            if (before == 0) != (self._users == 0) and llvm.llvm_version_info[0] in self.VERSIONS:
                llvm.set_option("chainrule", f"-disable-lsr={'true' if self._users else 'false'}")


loop_strength = LoopStrength()


class Code:
    """Compiled functions. The machine code is freed with this object.

    Arguments:
        text: a module in LLVM's assembly language.
        target: the machine.
    """

    def __init__(self, text: str, target: Target) -> None:
        _initialize()
        module = llvm.parse_assembly(text)
        passes, builder = _passes(target)
        passes.run(module, builder)
        with loop_strength.off():
            self._engine = llvm.create_mcjit_compiler(module, _machine(target))
            self._engine.finalize_object()

    def function(self, name: str, *arguments: Any) -> Any:
        """A function of the module, to be called with ctypes; Python's lock is released during a call."""
        function: Any = ctypes.CFUNCTYPE(None, *arguments)(self._engine.get_function_address(name))
        function.code = self  # keeps the machine code while the function is in use
        return function


def module(functions: Sequence[str], needed: set[tuple[str, str, int]], target: Target) -> str:
    """The text of a module: functions, the elementary functions they need, and what LLVM itself provides."""
    body = "\n".join(functions)
    definitions = vector_math.definitions(sorted(needed), fma=target.fma)
    for key in needed:
        name = vector_math.symbol(*key)
        begin = definitions.find(f" {name}(")
        lines = definitions.count("\n", begin, definitions.find("\n}", begin))
        if body.count(f"{name}(") * lines > MOST_INLINED:  # so many copies would take LLVM longer than the calls take
            header = definitions[begin : definitions.index("\n", begin)]
            definitions = definitions.replace(header, header.replace("alwaysinline", "noinline"))
    body += "\n" + definitions
    text = f"{body}\n{vector_math.declarations(body)}\n"
    return text + f'attributes #0 = {{ "prefer-vector-width"="{target.vector_bits}" }}\n'


__all__ = ["Code", "LoopStrength", "loop_strength", "module"]
