"""Programs from templates: real Python files whose flags are decided when code is generated.

A template is a module that is formatted, typed and tested like any other. Its functions and classes
are put into a generated module one by one. An `if` on flags alone (`if FROZEN:`, `if not DECAY:`) is
decided then: the branch that holds takes its place, so what is generated holds only what is used.
Comments stay with their statements.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.python import (
    Blank,
    Class,
    Comment,
    For,
    Function,
    If,
    Line,
    Parameter,
    While,
    With,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dslc.emit.python import Kind, Statement

RUNTIME = re.compile(r"^from dslc[\w.]*\.runtime\.")
"""Modules that are copied beside what is generated."""
DATA = re.compile(r"^from data_\w+ ")
"""Those of them that become one `data.py`."""
OTHER = re.compile(r"^from dslc\w*\.\w+_template ")
"""Templates, which read each other's names."""
TOOLS = ("noqa", "pyright")
"""Comments for tools that read the template, and not what is made from it."""


@final
class Template:
    """A template file.

    Args:
        path: The file.
        flags: The value of every flag; a flag that the file does not use does no harm.
        names: Identifiers to write otherwise, such as the model's class.
    """

    def __init__(
        self, path: Path, flags: Mapping[str, bool], names: Mapping[str, str] | None = None
    ) -> None:
        self.text = template_text(path)
        for name, other in (names or {}).items():
            self.text = re.sub(rf"\b{re.escape(name)}\b", other, self.text)
        self.flags = flags
        self.path = path
        self.tree = _parsed(self.text)
        self.lines = self.text.split("\n")

    @cached_property
    def comments(self) -> dict[tuple[int, bool], str]:
        """The comments by line, and whether each stands alone on it."""
        return _comments(self.text)

    def imports(self) -> list[str]:
        """The imports of the file; those of the runtime's modules as the project has them."""
        found: list[str] = []
        for node in self.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.append(DATA.sub("from data ", RUNTIME.sub("from ", ast.unparse(node))))
        return [text for text in found if not OTHER.match(text)]

    def names(self) -> set[str]:
        """The names that the file has at its top level, those of its imports among them."""
        found: set[str] = set()
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {(item.asname or item.name).partition(".")[0] for item in node.names}
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {part.id for part in targets if isinstance(part, ast.Name)}
        return found

    def definition(self, name: str) -> Class | Function:
        """A function or class of the file.

        Raises:
            KeyError: The file defines no such name.
        """
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
                (found,) = self.statement(node)
                assert isinstance(found, Class | Function)
                return found
        raise KeyError(f"{self.path} defines no {name}")

    def class_with(self, name: str, other: Template, methods_of: str) -> Class:
        """A class of the file with the documentation and the methods of another file's class.

        A method takes the place of the one of its name; what has no such place stands at the end.
        """
        found, further = self.definition(name), other.definition(methods_of)
        assert isinstance(found, Class)
        assert isinstance(further, Class)
        instead = {part.name: part for part in further.body if isinstance(part, Function)}
        body = [
            instead.pop(part.name, part) if isinstance(part, Function) else part
            for part in found.body
        ]
        return Class(found.name, found.bases, further.doc, [*body, *instead.values()])

    def extended(self, found: Class | Function, methods_of: str) -> Class:
        """A class of another file with the methods of one of this file at its end."""
        further = self.definition(methods_of)
        assert isinstance(found, Class)
        assert isinstance(further, Class)
        return Class(found.name, found.bases, found.doc, [*found.body, *further.body])

    def statement(self, node: ast.stmt) -> Iterator[Statement]:
        """What stands for a statement: itself, or the branch of a decided `if`."""
        if isinstance(node, ast.If):
            decided = self.decide(node.test)
            if decided is not None:
                yield from self.block(node.body if decided else node.orelse, node.lineno)
                return
            body, orelse = self.block(node.body, node.lineno), self.block(node.orelse, node.lineno)
            yield If(self.condition(node.test), body, orelse)
        elif isinstance(node, ast.FunctionDef):
            yield self.function(node)
        elif isinstance(node, ast.ClassDef):
            doc, rest = _docstring(node)
            bases = [self.code(base) for base in node.bases]
            marks = [self.code(mark) for mark in node.decorator_list]
            yield Class(node.name, bases, doc, self.block(rest, node.lineno), marks)
        elif isinstance(node, ast.For):
            target, iterable = self.code(node.target), self.code(node.iter)
            yield For(target, iterable, self.block(node.body, node.lineno))
        elif isinstance(node, ast.While):
            yield While(self.code(node.test), self.block(node.body, node.lineno))
        elif isinstance(node, ast.With):
            items = [ast.unparse(item) for item in node.items]
            yield With(items, self.block(node.body, node.lineno))
        else:
            yield Line(self.code(node), self.comments.get((node.end_lineno or 0, False)))

    def block(self, nodes: Sequence[ast.stmt], start: int) -> list[Statement]:
        """Statements with the comments and empty lines that stand above them."""
        found: list[Statement] = []
        last = start
        for node in nodes:
            marks = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(mark.lineno for mark in marks)])
            made = list(self.statement(node))
            above = range(last + 1, first)
            if made and found and any(not self.lines[k - 1].strip() for k in above):
                found.append(Blank())
            texts = [self.comments[k, True] for k in above if (k, True) in self.comments]
            if made and texts:
                found.append(Comment(" ".join(texts)))
            found += made
            last = node.end_lineno or first
        return found

    def decide(self, test: ast.expr) -> bool | None:
        """The value of a condition on flags alone, else None."""
        if isinstance(test, ast.Name):
            return self.flags.get(test.id)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            value = self.decide(test.operand)
            return None if value is None else not value
        if isinstance(test, ast.BoolOp):
            values = [self.decide(part) for part in test.values]
            enough = isinstance(test.op, ast.Or)
            if enough in values:
                return enough
            return None if None in values else not enough
        return None

    def condition(self, test: ast.expr) -> str:
        """The text of a condition that is not decided, without the flags in it that hold."""
        if not isinstance(test, ast.BoolOp) or isinstance(test.op, ast.Or):
            return self.code(test)
        return " and ".join(self.code(part) for part in test.values if self.decide(part) is None)

    def function(self, node: ast.FunctionDef) -> Function:
        """A function; its flags are decided inside."""
        doc, rest = _docstring(node)
        given = node.args
        positional = [*given.posonlyargs, *given.args]
        defaults = [None] * (len(positional) - len(given.defaults)) + list(given.defaults)
        pairs = zip(positional, defaults, strict=True)
        parameters = [self.parameter(arg, default, "positional") for arg, default in pairs]
        for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            parameters.append(self.parameter(arg, default, "keyword"))
        if given.vararg is not None:
            parameters.append(self.parameter(given.vararg, None, "variadic"))
        if given.kwarg is not None:
            parameters.append(self.parameter(given.kwarg, None, "variadic keyword"))
        returns = None if node.returns is None else self.code(node.returns)
        marks = [self.code(mark) for mark in node.decorator_list]
        body = self.block(rest, node.body[0].lineno - 1)
        return Function(node.name, parameters, returns, doc, body, marks)

    def parameter(self, arg: ast.arg, default: ast.expr | None, kind: Kind) -> Parameter:
        """A parameter of a function."""
        annotation = None if arg.annotation is None else self.code(arg.annotation)
        return Parameter(arg.arg, annotation, None if default is None else self.code(default), kind)

    def segment(self, node: ast.FunctionDef | ast.ClassDef) -> str:
        """A definition as the file writes it, with its decorators."""
        first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
        return "\n".join(self.lines[first - 1 : node.end_lineno])

    def code(self, node: ast.stmt | ast.expr) -> str:
        """A node as the file writes it; `ast.get_source_segment` would split the whole file."""
        lines = [line.encode() for line in self.lines[node.lineno - 1 : node.end_lineno]]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode()


@cache
def template_text(path: Path) -> str:
    """What a template's file says."""
    return path.read_text(encoding="utf-8")


@cache
def _parsed(text: str) -> ast.Module:
    """The tree of a template, which nothing changes."""
    return ast.parse(text)


@cache
def _comments(text: str) -> dict[tuple[int, bool], str]:
    found: dict[tuple[int, bool], str] = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ")
            if not text.startswith(TOOLS):
                found[token.start[0], not token.line[: token.start[1]].strip()] = text
    return found


def _docstring(node: ast.FunctionDef | ast.ClassDef) -> tuple[str, list[ast.stmt]]:
    """The docstring and the rest of the body."""
    doc = ast.get_docstring(node)
    return (doc or ""), (node.body[1:] if doc is not None else list(node.body))
