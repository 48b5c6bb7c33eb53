"""Defaults of params that read other params: what they are by themselves, and in a call."""

from __future__ import annotations

from dslc.syntax.expressions import (
    ExpressionError,
    ListOf,
    Literal,
    evaluate,
    free_names,
    substitute,
)
from dslc.typed import TYPE_CHECKING
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dslc.ir.graph import Param
    from dslc.source import Span
    from dslc.syntax.expressions import Expr


def completed(
    given: Mapping[str, Expr], params: Iterable[Param], outer: Mapping[str, Expr]
) -> dict[str, Expr]:
    """A call's arguments with those defaults spelled out that depend on what is given.

    Args:
        given: The arguments as the call has them.
        params: What the callee declares, in the order in which defaults may use each other.
        outer: What the names in defaults stand for that are none of these params.
    """
    known = dict(outer)
    moved = set(outer)
    found = dict(given)
    for param in params:
        argument = found.get(param.name)
        if argument is None and param.default is not None:
            argument = folded(param.default, known)
            if free_names(param.default) & moved:
                found[param.name] = argument
        moved.discard(param.name)
        if param.name in found:
            moved.add(param.name)
        if argument is not None:
            known[param.name] = argument
    return found


def constants(params: Iterable[Param], values: Mapping[str, object]) -> tuple[Param, ...]:
    """Params whose defaults are the values that they have by themselves; None where there is none.

    Args:
        params: The params of one module or file, in order.
        values: The params around them.
    """
    known = dict(values)
    found: list[Param] = []
    for param in params:
        default = param.default and constant_of(param.default, known)
        known.pop(param.name, None)
        if default is not None:
            known[param.name] = evaluate(default, {})
        found.append(param.replace(default=default))
    return tuple(found)


def constant(value: object, span: Span) -> Expr:
    """A compile-time value as an expression."""
    if is_list(value):
        return ListOf(tuple(constant(item, span) for item in value), span)
    assert value is None or isinstance(value, int | float | str)
    return Literal(value, span)


def folded(expression: Expr, mapping: Mapping[str, Expr]) -> Expr:
    """An expression with others in place of names; a constant where no name is left."""
    found = substitute(expression, mapping)
    if found == expression or free_names(found):
        return found
    return evaluated(found, {}) or found


def constant_of(expression: Expr, values: Mapping[str, object]) -> Expr | None:
    """An expression as a constant; None where it has no value."""
    return evaluated(expression, values) if free_names(expression) else expression


def evaluated(expression: Expr, values: Mapping[str, object]) -> Expr | None:
    """An expression's value as an expression; None where it has none."""
    try:
        return constant(evaluate(expression, values), expression.span)
    except ExpressionError:
        return None


def read_each_other(params: Iterable[Param]) -> bool:
    """Whether a default reads another of these params."""
    above: set[str] = set()
    for param in params:
        if param.default is not None and free_names(param.default) & above:
            return True
        above.add(param.name)
    return False
