"""Expressions with what is known in them worked out: `2 - 1 - i` is `1 - i`, `[a, b][0]` is `a`.

Names that an expression stands for leave such arithmetic behind.
"""

from __future__ import annotations

from dslc.syntax.expression_nodes import (
    NO_SPAN,
    Binary,
    Call,
    Expr,
    ExpressionError,
    Index,
    ListOf,
    Literal,
    Node,
    Unary,
)
from dslc.syntax.expression_parser import parse_expression
from dslc.syntax.expression_text import to_python
from dslc.syntax.expression_values import evaluate


def folded_text(text: str) -> str:
    """The text of an expression with what is known worked out; other Python stays as it is."""
    try:
        written = parse_expression(text, NO_SPAN)
    except ExpressionError:
        return text
    found = folded(written)
    return text if found == written else to_python(found).replace(" ** ", "**")


def folded(expression: Expr) -> Expr:
    """An expression with what is known worked out."""
    parts = [_folded_part(getattr(expression, name)) for name in expression.fields]
    kind = type(expression)
    found: Expr = kind(*parts, expression.span)  # pyright: ignore[reportCallIssue, reportArgumentType]
    if isinstance(found, Index) and isinstance(found.base, ListOf):
        place, items = _number(found.index), found.base.items
        if place is not None and -len(items) <= place < len(items):
            return items[place]
    if isinstance(found, Call) and found.function == "len" and isinstance(found.args[0], ListOf):
        return Literal(len(found.args[0].items), found.span)
    if isinstance(found, Binary):
        return _worked_out(found)
    return found


def _worked_out(found: Binary) -> Expr:
    """Arithmetic of whole numbers as its result, where that is a whole number too."""
    if _number(found.left) is None or _number(found.right) is None:
        return found
    try:
        value = evaluate(found, {})
    except ExpressionError:
        return found
    if type(value) is not int:
        return found
    number = Literal(abs(value), found.span)
    return number if value >= 0 else Unary("-", number, found.span)


def _folded_part(part: object) -> object:
    """One field: an expression, a tuple of them, or something else."""
    if isinstance(part, tuple):
        return tuple(map(_folded_part, part))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return folded(part) if isinstance(part, Node) else part  # pyright: ignore[reportArgumentType]


def _number(expression: Expr) -> int | None:
    """A whole number that is written out."""
    if isinstance(expression, Unary) and expression.op == "-":
        found = _number(expression.operand)
        return None if found is None else -found
    value = expression.value if isinstance(expression, Literal) else None
    return value if type(value) is int else None
