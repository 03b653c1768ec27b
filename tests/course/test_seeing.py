"""A learner's graphs are drawn and explained, however their parents are kept."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import chainrule
from chainrule.course import draw, dump_graph, explain, mirror, show
from chainrule.course.exercises import by_number
from chainrule.graph import topological_order


def learners() -> Any:
    names: dict[str, Any] = {}
    exec(by_number("5").work, names)
    return names["Value"]


def result(Value: Callable[..., Any]) -> Any:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    L = (a * b + 10).tanh() + a**2 / 3 - b.exp() * a.relu() + (2 - a)
    L.label = "L"
    L.backward()
    return L


def test_a_learners_graph_is_drawn_like_chainrules() -> None:
    mine, theirs = mirror(result(learners())), result(chainrule.Value)
    assert mine.data == pytest.approx(theirs.data, rel=1e-15)
    named = [{node.label: node.grad for node in topological_order(root) if node.label} for root in (mine, theirs)]
    assert named[0] == pytest.approx(named[1], rel=1e-14)
    assert "tanh" in draw(result(learners())).svg
    assert "tanh" in str(explain(result(learners())))
    assert "?" not in str(explain(result(learners())))
    assert "tanh" in dump_graph(result(learners()), as_text=True)


@pytest.mark.parametrize("kind", [tuple, list, set, frozenset])
def test_parents_may_be_kept_in_any_collection(kind: Any) -> None:
    Value = learners()
    L = result(Value)
    stack, seen = [L], set()
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            stack += node.parents
            node.parents = kind(node.parents)
    assert mirror(L).data == L.data
    assert "d(a*b)/db" in str(explain(L))


def test_values_of_chainrule_are_drawn_as_they_are() -> None:
    v = chainrule.Value(1.0)
    assert mirror(v) is v


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(TypeError, match=r"a Value has data; this is a float: 3\.0"):
        draw(3.0)
    Value = learners()
    a = Value(1.0)
    b = a + 1
    a.parents = (b,)
    with pytest.raises(ValueError, match="no cycles"):
        draw(b)


def test_an_unknown_operation_is_drawn_with_the_learners_numbers() -> None:
    Value = learners()
    a = Value(2.0, label="a")
    assert mirror(Value(7.0, (a,), "cosine")).data == 7.0
    assert mirror(Value(7.0, (a,), "exp")).data == 7.0  # wrong, and shown so


def test_a_long_chain_is_mirrored_without_recursion() -> None:
    Value = learners()
    x = Value(0.0)
    for _ in range(5000):
        x = x + 1
    assert mirror(x).data == 5000.0


def test_pictures_are_files_outside_of_notebooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    random.seed(1)
    assert show(draw(result(learners())), "mine") is None
    assert "picture: pictures/mine.svg" in capsys.readouterr().out
    assert (tmp_path / "pictures" / "mine.svg").read_text().startswith("<svg")


def test_without_what_draws_the_code_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    picture = draw(result(learners()))
    monkeypatch.setattr(type(picture), "save", lambda self, path: missing_package())
    assert show(picture, "mine") is None
    assert "no picture: pictures need packages" in capsys.readouterr().out


def missing_package() -> None:
    raise ImportError("pictures need packages that are not installed")
