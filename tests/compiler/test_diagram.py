"""`program.draw()` shows the arrays of a program and what makes them, on one page."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import MLP, Value
from chainrule.compiler.show.diagram import MOST_GROUPS, Diagram, diagram
from chainrule.drawing import Drawing
from compare import traced
from programs import OUTPUTS, PROGRAMS, Program, named

every_program = pytest.mark.parametrize("program", named(PROGRAMS + OUTPUTS))


def network() -> Diagram:
    random.seed(1)
    model = MLP(3, [4, 1])
    loss = chainrule.compile(batch="mean")(lambda x, y: (model(x) - y) ** 2)
    loss(np.zeros((5, 3)), np.zeros(5))
    return loss.program.draw()


def labels(picture: Diagram) -> list[str]:
    return re.findall(r'label="([^"]*)"', picture.dot)


def test_a_network_is_drawn_as_its_matrices() -> None:
    picture = network()
    assert {r"layers.0.w\n[4, 3]", r"layers.0.b\n[4]", r"x\n[n, 3]", "loss"} <= set(labels(picture))
    assert "matmul over 3, +" in labels(picture)
    assert len(labels(picture)) < 16


def test_it_is_a_picture_like_any_other(tmp_path: Path) -> None:
    picture = network()
    assert isinstance(picture, Drawing)
    assert picture.svg.startswith("<svg")
    assert "layers.0.w" in picture.svg
    assert picture._repr_mimebundle_()["image/svg+xml"] == picture.svg
    for suffix in (".svg", ".png", ".dot"):
        picture.save(tmp_path / f"picture{suffix}")


def test_a_loop_is_drawn_once_in_a_frame() -> None:
    random.seed(1)
    picture = chainrule.compile(MLP(4, [4] * 12 + [1])([1.0, 2.0, 3.0, 4.0])).program.draw()
    assert "subgraph cluster" in picture.dot
    assert "constraint=false" in picture.dot
    assert any(re.fullmatch(r"layers\.\(\d?\+?t\)\.w\\n\[4, 4\]", label) for label in labels(picture))
    assert picture.svg


def test_names_with_marks_of_their_own_are_drawn() -> None:
    x = [Value(float(k), label=f'a "quoted\\" <&> name {k}') for k in range(3)]
    picture = chainrule.compile(sum(v.exp() for v in x)).program.draw()
    assert r"a &quot;quoted\&quot; &lt;&amp;&gt; name" in picture.svg


def test_what_cannot_be_drawn_is_refused() -> None:
    program = chainrule.compile(Value(2.0) * Value(3.0)).program
    with pytest.raises(ValueError, match="rankdir"):
        diagram(program, rankdir="up")
    with pytest.raises(ValueError, match="max_groups"):
        diagram(program, max_groups=0)


@pytest.mark.slow
@every_program
def test_every_program_can_be_drawn(program: Program) -> None:
    found = traced(program)
    picture = found.draw()
    assert picture.dot == found.draw().dot
    declared = set(re.findall(r"^  (\w+) \[label", picture.dot, re.MULTILINE))
    arrows = re.findall(r"^  (\w+) -> (\w+)", picture.dot, re.MULTILINE)
    assert arrows
    assert {end for arrow in arrows for end in arrow} <= declared
    assert sum(name.startswith("o") for name in declared) <= 2 * MOST_GROUPS


@pytest.mark.parametrize("name", ["mlp_relu_fused", "gru", "convolution", "multi_head_attention", "black_scholes", "euler_integration"])
def test_it_fits_a_page(name: str) -> None:
    program = next(program for program in PROGRAMS if program.name == name)
    svg = traced(program).draw().svg
    width, height = (int(re.search(rf'{side}="(\d+)"', svg)[1]) for side in ("width", "height"))
    assert width <= 1200
    assert height <= 2500
