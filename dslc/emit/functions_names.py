"""Names in functions: a layer's path as Python writes it, and sizes that a tensor's shape gives.

A layer's name is its weights' path. Part of it is known when the code is written (`norm1`), part
only when it runs (the caller's `name`, a loop's index), so that it becomes an f-string.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING, final

from dslc.emit.python import For, Function, If, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dslc.emit.python import Statement
    from dslc.ir.graph import Program

SIZE = re.compile(r"\bSize__(\w+)\b")


@final
class PathText:
    """Where a layer stands: words, and expressions that are known when the code runs."""

    __slots__ = ("parts", "separator")

    def __init__(self, separator: str, *parts: tuple[str, bool]) -> None:
        self.separator = separator
        self.parts = parts

    def word(self, text: str) -> PathText:
        """The path with a word below it; nothing is added for an empty one."""
        return PathText(self.separator, *self.parts, (text, False)) if text else self

    def expression(self, code: str) -> PathText:
        """The path with an expression's value below it."""
        return PathText(self.separator, *self.parts, (code, True))

    def __str__(self) -> str:
        """The path as a Python expression."""
        if not any(is_code for _, is_code in self.parts):
            return repr(self.separator.join(text for text, _ in self.parts))
        if len(self.parts) == 1:
            return self.parts[0][0]
        texts = [f"{{{text}}}" if is_code else braced(text) for text, is_code in self.parts]
        return "f" + repr(self.separator.join(texts))


def call_depth(code: str) -> int:
    """How deep calls are nested in an expression; what makes a layer does not count."""

    def depth(node: ast.AST) -> int:
        parts = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        return isinstance(node, ast.Call) + max(map(depth, parts), default=0)

    return depth(ast.parse(code, mode="eval"))


def braced(text: str) -> str:
    """A text as it stands in an f-string."""
    return text.replace("{", "{{").replace("}", "}}")


def size_token(symbol: str) -> str:
    """What stands for a size until it is known how often it is read."""
    return f"Size__{symbol}"


@final
class Sizes:
    """Writes the sizes that a body reads: in place where it is read once, else in a variable.

    Args:
        shapes: The variable that holds a symbol's input, and the axis there.
        variable: Gives a new variable for a symbol.
    """

    def __init__(
        self, shapes: Callable[[str], tuple[str, int]], variable: Callable[[str], str]
    ) -> None:
        self.shapes = shapes
        self.variable = variable

    def resolve(self, statements: list[Statement]) -> list[Statement]:
        """The statements with the sizes' texts, after the assignments that these need."""
        texts = [text for statement in statements for text in texts_of(statement)]
        order = [symbol for text in texts for symbol in SIZE.findall(text)]
        written: dict[str, str] = {}
        before: list[Statement] = []
        for symbol in dict.fromkeys(order):
            tensor, axis = self.shapes(symbol)
            code = f"{tensor}.shape[{axis}]"
            if order.count(symbol) > 1 or overwritten(statements, tensor, symbol):
                written[symbol] = self.variable(symbol)
                before.append(Line(f"{written[symbol]} = {code}"))
            else:
                written[symbol] = code
        body = [
            mapped(statement, lambda text: SIZE.sub(lambda m: written[m[1]], text))
            for statement in statements
        ]
        return [*before, *body]


def mapped(statement: Statement, change: Callable[[str], str]) -> Statement:
    """A statement with its texts changed."""
    if isinstance(statement, Line):
        return Line(change(statement.code), statement.comment)
    if isinstance(statement, If):
        body = [mapped(inner, change) for inner in statement.body]
        return If(change(statement.test), body, [mapped(s, change) for s in statement.orelse])
    if isinstance(statement, For):
        body = [mapped(inner, change) for inner in statement.body]
        return For(statement.target, change(statement.iterable), body)
    if isinstance(statement, Function):
        return replace(statement, body=[mapped(inner, change) for inner in statement.body])
    return statement


def texts_of(statement: Statement) -> list[str]:
    """Every piece of code in a statement."""
    if isinstance(statement, Line):
        return [statement.code]
    if isinstance(statement, If):
        inner = [*statement.body, *statement.orelse]
        return [statement.test, *(text for part in inner for text in texts_of(part))]
    if isinstance(statement, For):
        return [statement.iterable, *(text for part in statement.body for text in texts_of(part))]
    if isinstance(statement, Function):
        return [text for part in statement.body for text in texts_of(part)]
    return []


def assigns(statement: Statement, variable: str) -> bool:
    """Whether a statement, or one inside it, assigns a variable."""
    if isinstance(statement, Line):
        targets = [n for n in ast.walk(statement.node) if isinstance(n, ast.Name)]
        return any(n.id == variable and isinstance(n.ctx, ast.Store) for n in targets)
    if isinstance(statement, If):
        return any(assigns(inner, variable) for inner in (*statement.body, *statement.orelse))
    return isinstance(statement, For) and any(assigns(s, variable) for s in statement.body)


def overwritten(statements: Sequence[Statement], variable: str, symbol: str) -> bool:
    """Whether a variable may have got another value before the place that reads a size."""
    for statement in statements:
        if not reads([statement], symbol):
            if assigns(statement, variable):
                return True
            continue
        if isinstance(statement, For):
            return assigns(statement, variable)
        if isinstance(statement, Function):
            return True  # inside, the variable may be a round's own
        if isinstance(statement, If) and symbol not in SIZE.findall(statement.test):
            branch = statement.body if reads(statement.body, symbol) else statement.orelse
            return overwritten(branch, variable, symbol)
        return False
    return False


def reads(statements: Sequence[Statement], symbol: str) -> bool:
    """Whether statements read a size."""
    return any(symbol in SIZE.findall(text) for part in statements for text in texts_of(part))


def attribute_of(program: Program, model: str) -> str:
    """The attribute by which a model has another one in it: a name that no framework's model has."""
    home = program.modules[model].place.replace(".", "_")
    return f"{home}_model" if program.has_several else home
