"""Reads YAML text in tests."""

from dslc.diagnostics import Report
from dslc.limits import DEFAULT_LIMITS, Limits
from dslc.source import Source
from dslc.syntax.reader import read
from dslc.syntax.tree import Mapping, Node, Scalar, Sequence


def read_text(text: str, limits: Limits = DEFAULT_LIMITS) -> tuple[Node | None, Report]:
    report = Report()
    return read(Source("net.yaml", text), report, limits), report


def codes(text: str, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    return [item.code for item in read_text(text, limits)[1].diagnostics]


def tree(text: str) -> Node:
    node, report = read_text(text)
    assert not report.diagnostics
    assert node is not None
    return node


def plain(node: Node) -> object:
    """The node as Python's own data; the keys of a mapping are their texts."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    assert isinstance(node, Mapping)
    return {key.text: plain(value) for key, value in node.entries}
