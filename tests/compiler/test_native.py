"""What is switched for the whole process while machine code is made."""

from __future__ import annotations

import os

import llvmlite.binding as llvm
import pytest

import chainrule
from chainrule import Value
from chainrule.compiler.codegen.native import LoopStrength, loop_strength

OFF, ON = "-disable-lsr=true", "-disable-lsr=false"


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What LLVM was asked to switch, in order."""
    found: list[str] = []
    monkeypatch.setattr(llvm, "set_option", lambda name, option: found.append(option))
    return found


def test_the_version_at_hand_was_tried() -> None:
    assert llvm.llvm_version_info[0] in LoopStrength.VERSIONS


def test_compiling_leaves_the_process_as_it_was(switched: list[str]) -> None:
    x = Value(3.0)
    chainrule.compile(x * x)()
    assert switched
    assert switched == [OFF, ON] * (len(switched) // 2)


def test_it_is_switched_back_by_the_last_thread_that_needs_it(switched: list[str]) -> None:
    with loop_strength.off():
        with loop_strength.off():
            assert switched == [OFF]
        assert switched == [OFF]
    assert switched == [OFF, ON]


def test_it_is_switched_back_after_an_error(switched: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), loop_strength.off():
        raise ZeroDivisionError
    assert switched == [OFF, ON]


def test_versions_that_were_not_tried_are_left_alone(switched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llvm, "llvm_version_info", (LoopStrength.VERSIONS.stop, 0, 0))
    with loop_strength.off():
        pass
    assert switched == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_child_does_not_wait_for_a_thread_of_its_parent(switched: list[str]) -> None:
    with loop_strength.off():
        child = os.fork()
        if child == 0:
            with loop_strength.off():
                os._exit(0 if switched == [OFF, OFF] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
