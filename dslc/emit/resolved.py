"""The spec with its params as they were set, and what it imports: what a project was made from."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dslc import plugin
from dslc.diagnostics import Report
from dslc.syntax.expressions import NO_SPAN, ExpressionError, evaluate, number_text
from dslc.syntax.reader import read
from dslc.syntax.tree import Mapping, Scalar
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Mapping as ReadOnly

    from dslc.ir.graph import Param, Program
    from dslc.passes.pipeline import Checked
    from dslc.source import Source, Span
    from dslc.syntax.tree import Node


MAIN: Final = "net.yaml"
FOLDER: Final = "imports"
OPS: Final = "ops"


def spec_files(checked: Checked) -> dict[str, str | bytes]:
    """The spec and all that it imports, by path in the generated project.

    A param that `--set` gave has that value, and each import leads to the file beside it, so that
    the files compile to the same project wherever they lie.
    """
    program = checked.program
    names = import_names(program)
    sources = {item.source.path: item.source for item in program.imports}
    found: dict[str, str | bytes] = {
        MAIN: with_edits(checked.source, [*param_edits(checked), *import_edits(program, names)])
    }
    for path, source in sources.items():
        found[f"{FOLDER}/{names[path]}"] = with_edits(source, import_edits(program, names, path))
    return found | op_files(program)


def op_files(program: Program) -> dict[str, str | bytes]:
    """The Python files with ops that a spec names, and their helpers, where they lie to each other."""
    found: dict[str, str | bytes] = {}
    for item in program.op_files:
        found[place_of(program, item.source.path)] = item.source.text
        for path in plugin.helpers_of(item.source):
            place = place_of(program, path)
            if ".." not in place.split("/"):
                found[place] = Path(path).read_text(encoding="utf-8")
    return found


def place_of(program: Program, path: str) -> str:
    """Where a file of ops is in the project: below `ops` as it was below the spec's folder."""
    folder = os.path.realpath(os.path.dirname(program.path))
    return f"{OPS}/{Path(os.path.relpath(os.path.realpath(path), folder)).as_posix()}"


def import_names(program: Program) -> dict[str, str]:
    """A file name for each imported spec by its path: the name that it is first imported under."""
    names: dict[str, str] = {}
    for item in program.imports:
        if item.source.path in names:
            continue
        number, name = 2, f"{item.name}.yaml"
        while name in names.values():
            name, number = f"{item.name}_{number}.yaml", number + 1
        names[item.source.path] = name
    return names


def import_edits(
    program: Program, names: ReadOnly[str, str], path: str | None = None
) -> list[tuple[Span, str]]:
    """What to write for the imports of one file, by default the main one, and where."""
    folder, up = (f"./{FOLDER}/", "./") if path is None else ("./", "../")
    here = path or program.path
    found = [
        (item.span, f"{folder}{names[item.source.path]}")
        for item in program.imports
        if item.span.file == here
    ]
    return found + [
        (item.span, up + place_of(program, item.source.path))
        for item in program.op_files
        if item.span.file == here
    ]


def param_edits(checked: Checked) -> list[tuple[Span, str]]:
    """What to write for the params that `--set` gave, and where."""
    program = checked.program
    changed = overridden(program)
    root = read(checked.source, Report()) if changed else None
    fields = root.get("params") if isinstance(root, Mapping) else None
    nodes = fields if isinstance(fields, Mapping) else Mapping([], NO_SPAN)
    found = ((param, nodes.get(param.name)) for param in changed)
    return [
        edit(param, node, program.values[param.name]) for param, node in found if node is not None
    ]


def with_edits(source: Source, edits: list[tuple[Span, str]]) -> str:
    """A text with other words in some places; an anchor before them stays."""
    text = source.text
    for span, new in sorted(set(edits), key=lambda item: item[0], reverse=True):
        start, stop = (
            offset(text, span.line, span.column),
            offset(text, span.end_line, span.end_column),
        )
        anchor = re.match(r"&\S+\s+", text[start:stop])
        start += 0 if anchor is None else anchor.end()
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
