"""Turns Python that is written in a file into the model of statements, with its comments.

An `if` whose condition is decided gives way to the branch that holds.
"""

from __future__ import annotations

import ast
import io
import tokenize
from functools import cache, cached_property
from typing import TYPE_CHECKING

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
    from collections.abc import Iterator, Sequence

    from dslc.emit.python import Kind, Statement

TOOLS = ("noqa", "pyright")
"""Comments for tools that read the file, and not what is made from it."""


class Reader:
    """The text of a file and the statements that it holds."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text = text
        self.tree = tree
        self.lines = text.split("\n")

    @cached_property
    def comments(self) -> dict[tuple[int, bool], str]:
        """The comments by line, and whether each stands alone on it."""
        return _comments(self.text)

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
            doc, rest = docstring_of(node)
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
            texts += self.beside(node)
            if made and texts:
                found.append(Comment(" ".join(texts)))
            found += made
            last = node.end_lineno or first
        return found

    def beside(self, node: ast.stmt) -> list[str]:
        """The comment beside the header of a statement that stays."""
        header = getattr(node, "test", getattr(node, "iter", None))
        if not isinstance(header, ast.expr) or self.decide(header) is not None:
            return []
        found = self.comments.get((header.end_lineno or 0, False))
        return [] if found is None else [found]

    def decide(self, test: ast.expr) -> bool | None:
        """The value of a condition that is known, else None."""
        return bool(test.value) if isinstance(test, ast.Constant) else None

    def condition(self, test: ast.expr) -> str:
        """The text of a condition that is not decided, without what is known in it."""
        if not isinstance(test, ast.BoolOp) or isinstance(test.op, ast.Or):
            return self.code(test)
        parts = [part for part in test.values if self.decide(part) is None]
        if len(parts) == len(test.values):
            return self.code(test)
        return " and ".join(f"({self.code(part)})" for part in parts)

    def function(self, node: ast.FunctionDef) -> Function:
        """A function; what is decided in it gives way."""
        doc, rest = docstring_of(node)
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

    def code(self, node: ast.stmt | ast.expr) -> str:
        """A node as the file writes it; `ast.get_source_segment` would split the whole file."""
        lines = [line.encode() for line in self.lines[node.lineno - 1 : node.end_lineno]]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode()


@cache
def _comments(text: str) -> dict[tuple[int, bool], str]:
    """The comments by line, and whether each stands alone on it."""
    found: dict[tuple[int, bool], str] = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ")
            if not text.startswith(TOOLS):
                found[token.start[0], not token.line[: token.start[1]].strip()] = text
    return found


def docstring_of(node: ast.FunctionDef | ast.ClassDef) -> tuple[str, list[ast.stmt]]:
    """The docstring and the rest of the body."""
    doc = ast.get_docstring(node)
    return (doc or ""), (node.body[1:] if doc is not None else list(node.body))
