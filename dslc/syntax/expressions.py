"""Expressions: parse, evaluate, write. The one module that others import for them.

Sizes, conditions and numbers in a spec are small expressions. They stay expressions in the IR, so
that generated code can say `4 * planes` where the spec does.
"""

from __future__ import annotations

from dslc.syntax.expression_nodes import (
    NO_SPAN,
    Binary,
    Boolean,
    Call,
    Compare,
    Conditional,
    Expr,
    ExpressionError,
    Formula,
    Index,
    ListOf,
    Literal,
    Name,
    Operand,
    Option,
    Slice,
    Unary,
    children,
    free_names,
    names_in,
)
from dslc.syntax.expression_parser import FUNCTIONS, parse_expression
from dslc.syntax.expression_text import (
    math_functions,
    number_text,
    python_string,
    to_python,
    to_spec,
)
from dslc.syntax.expression_values import describe, evaluate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = [
    "FUNCTIONS",
    "NO_SPAN",
    "Binary",
    "Boolean",
    "Call",
    "Compare",
    "Conditional",
    "Expr",
    "ExpressionError",
    "Formula",
    "Index",
    "ListOf",
    "Literal",
    "Name",
    "Operand",
    "Option",
    "Slice",
    "Unary",
    "children",
    "describe",
    "evaluate",
    "free_names",
    "math_functions",
    "names_in",
    "number_text",
    "parse_expression",
    "python_string",
    "substitute",
    "to_python",
    "to_spec",
]


def substitute(expr: Expr, mapping: Mapping[str, Expr]) -> Expr:
    """The expression with other expressions in place of names.

    Args:
        expr: where to substitute.
        mapping: what stands for each name; names that are not in it stay.
    """
    if isinstance(expr, Name):
        return mapping.get(expr.id, expr)
    parts = [_substitute_part(getattr(expr, name), mapping) for name in expr.fields]
    kind: Any = expr.__class__
    return kind(*parts, expr.span)


def _substitute_part(part: Any, mapping: Mapping[str, Expr]) -> Any:
    """One field: an expression, a tuple of them, or something that holds no names."""
    if isinstance(part, Expr):
        return substitute(part, mapping)
    if isinstance(part, tuple):
        return tuple(_substitute_part(item, mapping) for item in part)  # pyright: ignore[reportUnknownVariableType]
    return part
