"""The functions of expressions: `len min max sum ceil floor round sqrt log2`."""

from __future__ import annotations

import math

from dslc.syntax.expression_nodes import Binary, Call, ExpressionError
from dslc.syntax.expression_values import describe, is_dim, is_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Evaluator(Protocol):
        """Who gives the arguments' values."""

        def value(self, expr: Any) -> Any:
            """The value of an expression."""
            ...


def call_function(evaluator: Evaluator, expr: Call) -> Any:
    """The value of a call.

    Raises:
        ExpressionError: E0203, E0204 or E0206.
    """
    exact = _exact_quotient(evaluator, expr)
    if exact is not None:
        return exact
    args = [evaluator.value(item) for item in expr.args]
    return _FUNCTIONS[expr.function](expr, args)


def _exact_quotient(evaluator: Evaluator, expr: Call) -> Any:
    """`ceil(a / b)` and `floor(a / b)` of sizes, which `/` alone could not give exactly."""
    inner = expr.args[0] if expr.args else None
    if expr.function not in ("ceil", "floor") or not isinstance(inner, Binary) or inner.op != "/":
        return None
    left, right = evaluator.value(inner.left), evaluator.value(inner.right)
    if not is_dim(left) and not is_dim(right):
        return None
    floor = Binary("//", inner.left, inner.right, inner.span)
    if expr.function == "floor":
        return evaluator.value(floor)
    from dslc.syntax.expression_nodes import Unary

    negated = Binary("//", Unary("-", inner.left, inner.left.span), inner.right, inner.span)
    return -evaluator.value(negated)


def _length(expr: Call, args: list[Any]) -> int:
    if not is_list(args[0]):
        raise _needs(expr, "a list", args[0])
    return len(args[0])


def _extreme(expr: Call, args: list[Any]) -> Any:
    """`min` or `max` of several values or of one list."""
    if len(args) == 1 and not is_list(args[0]):
        raise _needs(expr, "a list, or two values and more", args[0])
    values: list[Any] = args if len(args) > 1 else list(args[0])
    if not values:
        raise ExpressionError(
            "E0204", f"`{expr.function}` of an empty list has no value", expr.span
        )
    if any(is_dim(value) for value in values):
        from dslc.ir.dims import dim_max, dim_min

        for value in values:
            if not is_dim(value) and (isinstance(value, bool) or not isinstance(value, int)):
                raise _needs(expr, "sizes", value)
        return (dim_min if expr.function == "min" else dim_max)(*values)
    for value in values:
        _need_number(expr, value)
    return (min if expr.function == "min" else max)(values)


def _sum(expr: Call, args: list[Any]) -> Any:
    if not is_list(args[0]):
        raise _needs(expr, "a list", args[0])
    total: Any = 0
    for value in args[0]:
        if not is_dim(value):
            _need_number(expr, value)
        total = total + value
    return total if is_dim(total) else _bounded(expr, total)


def _whole(expr: Call, args: list[Any]) -> Any:
    """`ceil`, `floor` and `round`; sizes are whole already."""
    if is_dim(args[0]):
        return args[0]
    _need_number(expr, args[0])
    function = {"ceil": math.ceil, "floor": math.floor, "round": round}[expr.function]
    return _bounded(expr, function(args[0]))


def _root(expr: Call, args: list[Any]) -> float:
    _need_number(expr, args[0])
    if args[0] < 0:
        raise ExpressionError("E0206", "`sqrt` of a negative number has no value", expr.span)
    return math.sqrt(args[0])


def _logarithm(expr: Call, args: list[Any]) -> float:
    _need_number(expr, args[0])
    if args[0] <= 0:
        raise ExpressionError("E0206", "`log2` needs a positive number", expr.span)
    return math.log2(args[0])


def _elementary(expr: Call, args: list[Any]) -> Any:
    """The functions that only a formula knows, of a number."""
    _need_number(expr, args[0])
    function = abs if expr.function == "abs" else getattr(math, expr.function)
    try:
        return _bounded(expr, function(args[0]))
    except (ValueError, OverflowError):
        message = f"`{expr.function}` has no value there"
        raise ExpressionError("E0206", message, expr.span) from None


def _bounded(expr: Call, value: Any) -> Any:
    """A number within 64 bits or double precision."""
    if not math.isfinite(value) or (not -(1 << 63) <= value < 1 << 63 and isinstance(value, int)):
        raise ExpressionError("E0206", "the result is out of range", expr.span)
    return value


def _need_number(expr: Call, value: object) -> None:
    """Refuses what is no number."""
    if is_dim(value):
        help = "a symbol has no fixed size here"
        message = f"`{expr.function}` needs a number, not {describe(value)}"
        raise ExpressionError("E0204", message, expr.span, help)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _needs(expr, "a number", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("E0206", f"`{expr.function}` needs a finite number", expr.span)


def _needs(expr: Call, what: str, value: object) -> ExpressionError:
    """The error of an argument of the wrong kind."""
    message = f"`{expr.function}` needs {what}, not {describe(value)}"
    return ExpressionError("E0204", message, expr.span)


_FUNCTIONS: dict[str, Callable[[Call, list[Any]], Any]] = {
    "len": _length,
    "min": _extreme,
    "max": _extreme,
    "sum": _sum,
    "ceil": _whole,
    "floor": _whole,
    "round": _whole,
    "sqrt": _root,
    "log2": _logarithm,
    **dict.fromkeys(("abs", "exp", "log", "sin", "cos", "tanh", "erf"), _elementary),
}
