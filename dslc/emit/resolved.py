"""The spec with its params as they were set: what a project was made from, whole in one file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dslc.diagnostics import Report
from dslc.syntax.expressions import ExpressionError, evaluate, number_text
from dslc.syntax.reader import read
from dslc.syntax.tree import Mapping, Scalar
from dslc.values import is_list

if TYPE_CHECKING:
    from dslc.ir.graph import Param, Program
    from dslc.passes.pipeline import Checked
    from dslc.source import Span
    from dslc.syntax.tree import Node


def resolved_spec(checked: Checked) -> str:
    """The text of the spec, in which each param that `--set` gave has that value."""
    program, text = checked.program, checked.source.text
    changed = overridden(program)
    root = read(checked.source, Report()) if changed else None
    fields = root.get("params") if isinstance(root, Mapping) else None
    if not isinstance(fields, Mapping):
        return text
    edits: list[tuple[Span, str]] = []
    for param in changed:
        node = fields.get(param.name)
        if node is not None:
            edits.append(edit(param, node, program.values[param.name]))
    for span, new in sorted(edits, key=lambda item: item[0], reverse=True):
        start, stop = (
            offset(text, span.line, span.column),
            offset(text, span.end_line, span.end_column),
        )
        text = text[:start] + new + text[stop:]
    return text


def overridden(program: Program) -> list[Param]:
    """The params whose values are not their defaults'."""
    found: list[Param] = []
    for param in program.params:
        try:
            default = None if param.default is None else evaluate(param.default, program.values)
        except ExpressionError:
            default = None
        if default != program.values[param.name]:
            found.append(param)
    return found


def edit(param: Param, node: Node, value: object) -> tuple[Span, str]:
    """What to write for a param's value, and where."""
    new = flow_text(value)
    if isinstance(node, Mapping):
        default = node.get("default")
        if default is not None:
            return default.span, new
        return node.span, f"{{type: {param.kind}, default: {new}}}"
    typed = isinstance(node, Scalar) and node.text.partition("=")[0].strip() == param.kind
    if typed and param.kind != "list":
        return node.span, f"{{type: {param.kind}, default: {new}}}"
    return node.span, new


def flow_text(value: object) -> str:
    """A value as YAML on one line."""
    if is_list(value):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return number_text(value)
    return json.dumps(value)


def offset(text: str, line: int, column: int) -> int:
    """Where a place is in a text."""
    lines = text.splitlines(keepends=True)
    return sum(len(item) for item in lines[: line - 1]) + column - 1
