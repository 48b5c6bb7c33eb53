"""Evaluates expressions over params, indices and dims.

Arithmetic is Python's on numbers, and exact on dims: an operand that is no plain value is a `Dim`,
which brings its own operators, and comparisons of it are decided by whoever knows the facts. Every
intermediate result is bounded, so that no expression can take long or grow large.
"""

from __future__ import annotations

import math

from dslc.diagnostics import escape, nearest, quote
from dslc.syntax.expression_nodes import (
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
    Slice,
    Unary,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeGuard

    from dslc.source import Span

    Decide = Callable[[str, object, object], bool]

_INTEGER_END = 1 << 63
_LONGEST_LIST = 10_000
_PLAIN: frozenset[type] = frozenset((int, float, bool, str, tuple, list, type(None)))
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
    "**": lambda left, right: left**right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def evaluate(expr: Expr, env: Mapping[str, object], decide: Decide | None = None) -> Any:
    """The value of an expression.

    Args:
        expr: what to evaluate.
        env: the values of the names: int, float, bool, str, None, tuples of them, or dims.
        decide: answers `left op right` where a side is a dim; without it, that is an error.

    Returns:
        An int, float, bool, str, None, tuple or dim.

    Raises:
        ExpressionError: E0202 (unknown name), E0204 (operands), E0205 (division by zero), E0206
            (out of range), E0207 (index) or E0209 (undecided), at the part that is at fault.
    """
    if isinstance(expr, Literal):
        return expr.value
    return _Evaluator(env, decide).value(expr)


def is_list(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether a value is a list; lists are tuples once they are evaluated."""
    return isinstance(value, tuple)


def is_dim(value: object) -> bool:
    """Whether a value is a size that depends on a symbol."""
    return value.__class__ not in _PLAIN


def describe(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, tuple | list):
        return "a list"
    if isinstance(value, str):
        return f"the text {quote(value, 40)}"
    return f"`{escape(str(value)[:80])}`"


class _Evaluator:
    """One evaluation: the names' values and who decides on dims."""

    def __init__(self, env: Mapping[str, object], decide: Decide | None) -> None:
        self.env = env
        self.decide = decide

    def value(self, expr: Expr) -> Any:
        """The value of any expression."""
        return _METHODS[expr.__class__](self, expr)

    def literal(self, expr: Literal) -> Any:
        return expr.value

    def name(self, expr: Name) -> Any:
        try:
            value = self.env[expr.id]
        except KeyError:
            near = nearest(expr.id, self.env)
            help = f"did you mean `{near}`?" if near else None
            message = f"nothing here is called {quote(expr.id)}"
            raise ExpressionError("E0202", message, expr.span, help) from None
        return frozen(value)

    def unary(self, expr: Unary) -> Any:
        operand = self.value(expr.operand)
        if expr.op == "not":
            return not _truth(operand, "`not`", expr.operand.span)
        if not is_dim(operand):
            _need_number(operand, f"`{expr.op}`", expr.operand.span)
        return _checked(-operand if expr.op == "-" else operand, expr.span)

    def binary(self, expr: Binary) -> Any:
        left, right = self.value(expr.left), self.value(expr.right)
        if is_dim(left) or is_dim(right):
            if expr.op in ("//", "%") and is_dim(right):
                self.need_divisor(expr, right)
            return _symbolic(expr, left, right)
        if is_list(left) or is_list(right):
            return _join_lists(expr, left, right)
        _need_number(left, f"`{expr.op}`", expr.left.span)
        _need_number(right, f"`{expr.op}`", expr.right.span)
        if expr.op == "**":
            _check_power(left, right, expr.span)
        try:
            return _checked(_OPERATORS[expr.op](left, right), expr.span)
        except ZeroDivisionError:
            raise _zero(expr) from None
        except OverflowError:
            raise _out_of_range(expr.span) from None

    def need_divisor(self, expr: Binary, divisor: Any) -> None:
        """Refuses a divisor that the facts let be zero, where someone knows them."""
        try:
            good = self.decide is None or self.decide("!=", divisor, 0)
        except ExpressionError:
            good = False
        if not good:
            message = f"`{expr.op}` divides by `{divisor}`, which may be zero"
            help = f"a fact such as `where: [{divisor} >= 1]` says that it is not"
            raise ExpressionError("E0205", message, expr.right.span, help)

    def compare(self, expr: Compare) -> bool:
        left = self.value(expr.left)
        for op, item in zip(expr.ops, expr.rights, strict=True):
            right = self.value(item)
            if not self.holds(op, left, right, expr.span):
                return False
            left = right
        return True

    def holds(self, op: str, left: Any, right: Any, span: Span) -> bool:
        """Whether one comparison is true."""
        if op in ("in", "not in"):
            if not is_list(right):
                raise ExpressionError("E0204", f"`{op}` needs a list, not {describe(right)}", span)
            return any(self.holds("==", left, item, span) for item in right) == (op == "in")
        if is_dim(left) or is_dim(right):
            return self.decided(op, left, right, span)
        if op in ("==", "!="):
            return self.equal(left, right, span) == (op == "==")
        texts = isinstance(left, str) and isinstance(right, str)
        if not texts:
            _need_number(left, f"`{op}`", span)
            _need_number(right, f"`{op}`", span)
        return _OPERATORS[op](left, right)

    def equal(self, left: Any, right: Any, span: Span) -> bool:
        """Whether two values are equal; true is not 1, and lists may hold dims."""
        if is_list(left) and is_list(right):
            pairs = zip(left, right, strict=False)
            return len(left) == len(right) and all(self.holds("==", *pair, span) for pair in pairs)
        if isinstance(left, bool) != isinstance(right, bool):
            return False
        return left == right

    def decided(self, op: str, left: Any, right: Any, span: Span) -> bool:
        """A comparison with a dim, as the facts have it."""
        for side in (left, right):
            if not is_dim(side) and (isinstance(side, bool) or not isinstance(side, int | float)):
                if op in ("==", "!="):
                    return op == "!="
                message = f"`{op}` cannot compare a size with {describe(side)}"
                raise ExpressionError("E0204", message, span)
        if self.decide is None:
            message = f"`{left} {op} {right}` depends on a symbol and cannot be decided here"
            raise ExpressionError("E0209", message, span)
        return self.decide(op, left, right)

    def boolean(self, expr: Boolean) -> bool:
        stop_at = expr.op == "or"
        for operand in expr.operands:
            if _truth(self.value(operand), f"`{expr.op}`", operand.span) == stop_at:
                return stop_at
        return not stop_at

    def conditional(self, expr: Conditional) -> Any:
        test = _truth(self.value(expr.test), "`if`", expr.test.span)
        return self.value(expr.then if test else expr.otherwise)

    def formula(self, expr: Formula) -> Any:
        """A formula with the values of all that is known without running it."""
        from dslc.syntax.formulas import bind

        return bind(self, expr, self.env)

    def list_of(self, expr: ListOf) -> tuple[Any, ...]:
        return tuple(self.value(item) for item in expr.items)

    def index(self, expr: Index) -> Any:
        base = self.list_value(expr.base)
        index = self.value(expr.index)
        _need_integer(index, "an index", expr.index.span)
        if not -len(base) <= index < len(base):
            message = f"the index {index} is out of range: the list has {len(base)} items"
            raise ExpressionError("E0207", message, expr.index.span)
        return base[index]

    def slice(self, expr: Slice) -> tuple[Any, ...]:
        base = self.list_value(expr.base)
        bounds = [None if part is None else self.value(part) for part in (expr.start, expr.stop)]
        for bound, part in zip(bounds, (expr.start, expr.stop), strict=True):
            if part is not None:
                _need_integer(bound, "a bound of a slice", part.span)
        return base[bounds[0] : bounds[1]]

    def list_value(self, expr: Expr) -> tuple[Any, ...]:
        """The value of an expression that must be a list."""
        value = self.value(expr)
        if not is_list(value):
            message = f"a list is needed here, not {describe(value)}"
            raise ExpressionError("E0204", message, expr.span)
        return value

    def call(self, expr: Call) -> Any:
        from dslc.syntax.expression_functions import call_function

        return call_function(self, expr)


def frozen(value: Any) -> Any:
    """A value in which every list is a tuple."""
    if value.__class__ is not list:
        return value
    return tuple(frozen(item) for item in value)


def _symbolic(expr: Binary, left: Any, right: Any) -> Any:
    """Arithmetic in which a side is a dim."""
    for side, part in ((left, expr.left), (right, expr.right)):
        if not is_dim(side):
            _need_integer(side, f"`{expr.op}` of a size", part.span)
    if expr.op == "/":
        message = "`/` of a size is not exact"
        raise ExpressionError("E0204", message, expr.span, "use `//`, or `ceil(a / b)`")
    if expr.op == "**" and (is_dim(right) or not 0 <= right <= 8):
        message = "a size can only be raised to a fixed power from 0 to 8"
        raise ExpressionError("E0204", message, expr.span)
    try:
        if expr.op == "**":
            return math.prod([left] * right, start=1)
        return _OPERATORS[expr.op](left, right)
    except ZeroDivisionError:
        raise _zero(expr) from None
    except (ArithmeticError, ValueError, TypeError) as error:
        message = str(error) or f"`{expr.op}` cannot take these sizes"
        raise ExpressionError("E0206", message, expr.span) from None


def _join_lists(expr: Binary, left: Any, right: Any) -> tuple[Any, ...]:
    """`+` of two lists and `*` of a list and a count."""
    if isinstance(left, int):
        left, right = right, left
    both = is_list(left) and is_list(right)
    count = isinstance(right, int) and not isinstance(right, bool)
    if not ((both and expr.op == "+") or (count and expr.op == "*")):
        message = f"`{expr.op}` cannot take {describe(left)} and {describe(right)}"
        raise ExpressionError("E0204", message, expr.span)
    length = sum(len(side) for side in (left, right) if is_list(side))
    if isinstance(right, int):
        length *= max(0, right)
    if length > _LONGEST_LIST:
        raise ExpressionError("E0206", f"a list of {length} items is too long", expr.span)
    return _OPERATORS[expr.op](left, right)


def _check_power(base: float, exponent: float, span: Span) -> None:
    """Refuses a power that is huge before it is computed, or has no real value."""
    if isinstance(base, int) and isinstance(exponent, int):
        if abs(base) > 1 and abs(exponent) * (base.bit_length() - 1) > 64 and exponent > 0:
            raise _out_of_range(span)
    elif base < 0 and exponent != int(exponent):
        message = f"`{base} ** {exponent}` is not a real number"
        raise ExpressionError("E0206", message, span)


def _checked(value: Any, span: Span) -> Any:
    """A number within its range."""
    if isinstance(value, int):
        if not -_INTEGER_END <= value < _INTEGER_END:
            raise _out_of_range(span)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _out_of_range(span)
    return value


def _need_number(value: object, where: str, span: Span) -> None:
    """Refuses what is no number; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionError("E0204", f"{where} needs a number, not {describe(value)}", span)


def _need_integer(value: object, where: str, span: Span) -> None:
    """Refuses what is no integer; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ExpressionError("E0204", f"{where} needs an integer, not {describe(value)}", span)


def _truth(value: object, where: str, span: Span) -> bool:
    """A value that must be true or false."""
    if isinstance(value, bool):
        return value
    message = f"{where} needs true or false, not {describe(value)}"
    help = "compare it, as in `… != 0`" if isinstance(value, int | float) else None
    raise ExpressionError("E0204", message, span, help)


def _out_of_range(span: Span) -> ExpressionError:
    """The error of a result beyond 64 bits or double precision."""
    help = "integers lie within 64 bits, floats within double precision"
    return ExpressionError("E0206", "the result is out of range", span, help)


def _zero(expr: Binary) -> ExpressionError:
    """The error of a divisor that is zero."""
    return ExpressionError("E0205", f"`{expr.op}` divides by zero", expr.right.span)


_METHODS: dict[type, Callable[[_Evaluator, Any], Any]] = {
    Literal: _Evaluator.literal,
    Name: _Evaluator.name,
    Unary: _Evaluator.unary,
    Binary: _Evaluator.binary,
    Compare: _Evaluator.compare,
    Boolean: _Evaluator.boolean,
    Conditional: _Evaluator.conditional,
    Call: _Evaluator.call,
    Index: _Evaluator.index,
    Slice: _Evaluator.slice,
    ListOf: _Evaluator.list_of,
    Formula: _Evaluator.formula,
}
