"""Walking a graph: names, counts, and the table that `dump_graph` prints."""

from __future__ import annotations

import pytest

from chainrule import count_operations, dump_graph
from chainrule.graph import names, topological_order


def test_dump_graph_prints_a_line_for_each_node(Value: type, capsys: pytest.CaptureFixture[str]) -> None:
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    out = (a * b + c).tanh()
    out.label = "out"
    out.backward()
    assert dump_graph(out) is None
    assert capsys.readouterr().out == (
        "name  op    data      grad         parents\n"
        "a     leaf  2         -0.00402285\n"
        "b     leaf  -3        0.0026819\n"
        "v2    *     -6        0.00134095   a, b\n"
        "c     leaf  10        0.00134095\n"
        "v4    +     4         0.00134095   v2, c\n"
        "out   tanh  0.999329  1            v4\n"
    )
    assert dump_graph(out, as_text=True).count("\n") == 6
    assert capsys.readouterr().out == ""


def test_a_large_graph_is_cut_with_a_count(Value: type) -> None:
    x = Value(1.0, label="x")
    out = x
    for _ in range(1500):
        out = out + x
    text = dump_graph(out, max_nodes=3, as_text=True)
    lines = text.splitlines()
    assert lines[1] == "... 1,498 of 1,501 nodes left out, the farthest from the root; see max_nodes"
    assert [line.split()[0] for line in lines[2:]] == ["v1498", "v1499", "v1500"]
    assert len(dump_graph(out, as_text=True).splitlines()) == 202
    assert "left out" not in dump_graph(out, max_nodes=1501, as_text=True)


def test_names_are_never_shared(Value: type) -> None:
    nodes = [Value(1.0, label=label) for label in ("w", "w", "", "v2", "w#0", "")]
    out = Value(0.0, nodes, "all", label="out")
    order = topological_order(out)
    given = names(order)
    assert [given[node] for node in order] == ["w#0'", "w#1", "v2'", "v2", "w#0", "v5", "out"]


def test_names_of_a_node_that_meets_itself(Value: type) -> None:
    a = Value(3.0, label="a")
    assert dump_graph(a + a, as_text=True).splitlines()[-1].split() == ["v1", "+", "6", "0", "a,", "a"]


def test_operations_are_counted_the_most_frequent_first(Value: type) -> None:
    a, b = Value(1.0), Value(2.0)
    out = (a * b + a * a + b * b).tanh() ** 2
    assert count_operations(out) == {"*": 3, "": 2, "+": 2, "tanh": 1, "**2": 1}
    assert list(count_operations(out))[0] == "*"  # noqa: RUF015
    assert count_operations(a) == {"": 1}


def test_wrong_arguments_are_named(Value: type) -> None:
    with pytest.raises(TypeError, match=r"^dump_graph\(\) shows the graph of a Value, got float: 3\.0$"):
        dump_graph(3.0)
    with pytest.raises(ValueError, match=r"^max_nodes must be at least 1, got 0$"):
        dump_graph(Value(1.0), max_nodes=0)
    with pytest.raises(TypeError, match=r"^the result of a graph must be a Value, got list: \[\]$"):
        count_operations([])
