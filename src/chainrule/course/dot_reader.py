"""A small reader of the DOT language, with which the examples of exercise 5b look at the text that a learner's function gives.

It reads what learners write: one directed graph, with nodes, arrows, labels, subgraphs and comments. The grammar is Graphviz's:
https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/|^\#[^\n]*)"
    r'|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<word>[^\W\d]\w*|-?(?:\.\d+|\d+(?:\.\d*)?))"
    r"|(?P<sign>->|--|[{}\[\]=;,:])",
    re.DOTALL | re.MULTILINE,
)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text):
        line = text.count("\n", 0, place) + 1
        match = _TOKEN.match(text, place)
        if match is not None:
            kind, token, place = str(match.lastgroup), match[0], match.end()
        elif text[place] == "<":
            depth, end = 1, place + 1
            while depth and end < len(text):
                depth += {"<": 1, ">": -1}.get(text[end], 0)
                end += 1
            kind, token, place = "text", re.sub(r"<[^<>]*>", " ", text[place + 1 : end - 1]), end
        else:
            rest = text[place:].splitlines()[0]
            raise ValueError(f"DOT, line {line}: this cannot be read: {rest[:40]}")
        if kind == "text" and token.startswith('"'):
            token = re.sub(r"\\(.)", lambda escape: " " if escape[1] in "nlr" else escape[1], token[1:-1])
        if kind != "space":
            found.append(_Token(kind, token, line))
    return found


class _Reader:
    """Reads a graph in DOT: `nodes` are the names of its nodes, as often as they are written, and `arrows` pairs of names."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a text in DOT was expected, and this is a {type(text).__name__}: {text!r:.60}")
        self.tokens = _tokens(text)
        self.place = 0
        self.nodes: list[str] = []
        self.labels: dict[str, str] = {}
        self.arrows: list[tuple[str, str]] = []
        if self._is("strict"):
            self.place += 1
        self._expect("digraph", 'the text begins with "digraph {"')
        if not self._is("{"):
            self._name()
        self._group()
        if self.place < len(self.tokens):
            raise self._wrong("the graph has ended before this")
        for end in [end for arrow in self.arrows for end in arrow]:
            if end not in self.nodes:
                self.nodes.append(end)

    def _is(self, text: str) -> bool:
        if self.place >= len(self.tokens):
            return False
        kind, found, _ = self.tokens[self.place]
        return kind != "text" and (found.lower() if kind == "word" else found) == text

    def _wrong(self, what: str) -> ValueError:
        if self.place >= len(self.tokens):
            return ValueError(f"DOT: the text ends too early; {what}")
        token = self.tokens[self.place]
        return ValueError(f"DOT, line {token.line}, at {token.text!r}: {what}")

    def _expect(self, text: str, what: str) -> None:
        if not self._is(text):
            raise self._wrong(what)
        self.place += 1

    def _name(self) -> str:
        if self.place >= len(self.tokens) or self.tokens[self.place].kind == "sign":
            raise self._wrong("a name was expected")
        self.place += 1
        return self.tokens[self.place - 1].text

    def _group(self) -> list[str]:
        """Everything between braces; the names of the nodes in it."""
        self._expect("{", '"{" was expected')
        inside: list[str] = []
        while not self._is("}"):
            if self.place >= len(self.tokens):
                raise self._wrong('"}" is missing')
            if self._is(";") or self._is(","):
                self.place += 1
                continue
            inside += self._statement()
        self.place += 1
        return inside

    def _statement(self) -> list[str]:
        if any(self._is(word) for word in ("node", "edge", "graph")):
            self.place += 1
            self._attributes()
            return []
        is_group = self._is("{") or self._is("subgraph")
        ends = self._end()
        if not is_group and self._is("="):
            self.place += 1
            self._name()
            return []
        met, arrows = list(ends), 0
        if self._is("--"):
            raise self._wrong('an arrow is "->"')
        while self._is("->"):
            self.place += 1
            heads = self._end()
            self.arrows += [(tail, head) for tail in ends for head in heads]
            ends, arrows = heads, arrows + 1
            met += heads
        attributes = self._attributes()
        if not is_group and not arrows:
            self.nodes.append(met[0])
            self.labels[met[0]] = attributes.get("label", self.labels.get(met[0], met[0]))
        return met

    def _end(self) -> list[str]:
        """What an arrow may begin or end at: a node, or several in braces."""
        if self._is("subgraph"):
            self.place += 1
            if not self._is("{"):
                self._name()
        if self._is("{"):
            return self._group()
        name = self._name()
        while self._is(":"):
            self.place += 1
            self._name()
        return [name]

    def _attributes(self) -> dict[str, str]:
        found = {}
        while self._is("["):
            self.place += 1
            while not self._is("]"):
                if self._is(",") or self._is(";"):
                    self.place += 1
                    continue
                name = self._name()
                self._expect("=", '"=" was expected; a label with more than letters and digits in it stands in quotes')
                found[name] = self._name()
            self.place += 1
        return found

    def label(self, node: str) -> str:
        """What is written on a node: its label, on one line."""
        return " ".join(re.sub(r"[{}|]", " ", self.labels.get(node, node).replace("\\N", node)).split())

    def first_word(self, node: str) -> str:
        """The name that is written on a node."""
        word = re.search(r"\w+", self.label(node))
        return word[0] if word else self.label(node)


def dot_labels(text: str) -> list[str]:
    """What is written on the nodes of a graph in DOT."""
    graph = _Reader(text)
    return sorted(map(graph.label, graph.nodes))


def dot_nodes(text: str) -> list[str]:
    """The first word on each node of a graph in DOT, as often as the node is written."""
    graph = _Reader(text)
    return sorted(map(graph.first_word, graph.nodes))


def dot_count(text: str) -> int:
    """How many nodes there are in a graph in DOT."""
    return len(set(_Reader(text).nodes))


def dot_arrows(text: str) -> list[str]:
    """The arrows of a graph in DOT, by the first words on their ends."""
    graph = _Reader(text)
    return sorted(f"{graph.first_word(tail)} -> {graph.first_word(head)}" for tail, head in graph.arrows)


__all__ = ["dot_arrows", "dot_count", "dot_labels", "dot_nodes"]
