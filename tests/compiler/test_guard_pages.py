"""No input lets generated code touch memory outside its buffers: each lies between pages whose touch would end the process."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import Value, take

PROGRAM = Path(__file__).parents[1] / "support/compiler/guard_pages.py"


def run(*arguments: str) -> dict[str, int]:
    """What the program counted; a crash of its process is a failure here."""
    done = subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ended with {done.returncode}\n{done.stderr[-2000:]}"
    return {what: int(number) for number, what in re.findall(r"(\d+) ([a-z ]+)", done.stdout)}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect")
def test_nothing_outside_is_touched() -> None:
    counts = run()
    assert counts["index arrays tried"] > 800
    assert counts["index arrays refused"] > 300
    assert counts["backward passes"] > 100


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no mprotect")
def test_nothing_outside_is_touched_by_every_kind_of_number() -> None:
    counts = run("thorough")
    assert counts["index arrays tried"] > 50_000
    assert counts["calls"] > 500


@pytest.mark.parametrize("batch", ["mean", "sum", None, "whole"])
def test_masked_indices_are_refused_by_name(batch: str | None) -> None:
    table = [Value(float(i)) for i in range(4)]
    one = chainrule.compile(lambda k: take(table, k), batch=batch) if batch != "whole" else chainrule.compile(lambda k: take(table, k[1]))
    hidden = np.ma.masked_array([0, 10**10], mask=[False, True])
    for given in (hidden, [0, hidden[1:]], (np.ma.masked_array(0, mask=True), 1)):
        with pytest.raises(TypeError, match=r"^k has 1 masked number, .* Pass k\.filled\(0\.0\), and the mask as another argument"):
            one(given)
    with pytest.raises(IndexError, match=r"^k\[1\] is 10000000000, but is used as an index into 4 values"):
        one(np.ma.masked_array([0, 10**10], mask=False))


def test_an_index_that_another_thread_changes_is_right_or_refused() -> None:
    table = [Value(float(i)) for i in range(4)]
    compiled = chainrule.compile(lambda k: take(table, k), batch="mean")
    indices = np.zeros(200_000)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            indices[199_000:] = 1e12
            indices[199_000:] = 0.0

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(100):
            try:
                assert compiled(indices).data == 0.0
            except IndexError:
                continue
    finally:
        stop.set()
        thread.join()
