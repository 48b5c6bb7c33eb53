"""Writes expressions as text: as Python for generated code, as the language for messages.

Parentheses stand only where the precedences need them, and spaces where `ruff format` puts them, so
that generated code needs no second formatting.
"""

from __future__ import annotations

from dslc.syntax.expression_nodes import (
    Binary,
    Boolean,
    Call,
    Compare,
    Conditional,
    Expr,
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
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Rename = Callable[[str], str]

_CONDITIONAL, _OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(10)
_BINARY = {
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "//": _PRODUCT,
    "%": _PRODUCT,
    "**": _POWER,
}
_MATH = frozenset(("ceil", "floor", "sqrt", "log2", "exp", "log", "sin", "cos", "tanh", "erf"))


def to_python(expr: Expr, rename: Rename | None = None) -> str:
    """The expression as Python, formatted as `ruff format` would on one line.

    Args:
        expr: what to write.
        rename: gives a name's text in the generated code (an identifier or a dotted path).
    """
    return _Python(rename).write(expr, _CONDITIONAL)


def to_spec(expr: Expr) -> str:
    """The expression as a spec writes it; parsing it gives an equal expression."""
    return _Spec(None).write(expr, _CONDITIONAL)


def math_functions(expr: Expr) -> frozenset[str]:
    """The functions of Python's `math` that `to_python` uses for an expression."""
    found: set[str] = set()
    waiting: list[Expr] = [expr]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Call) and item.function in _MATH:
            found.add(item.function)
        waiting.extend(children(item))
    return frozenset(found)


def python_string(text: str) -> str:
    """A Python string literal, ASCII only, with the quotes that `ruff format` prefers."""
    body = ascii(text)
    inner = body[1:-1].replace("\\'", "'") if body[0] == "'" else body[1:-1]
    if text.count('"') > text.count("'"):
        return "'" + inner.replace("'", "\\'") + "'"
    return '"' + inner.replace('"', '\\"') + '"'


def number_text(value: float) -> str:
    """A number as a person writes it: `1e-5`, not `1e-05`, and `1e9`, not `1000000000.0`."""
    if isinstance(value, float) and value >= 1e6 and float(f"{value:.0e}") == value:
        digit, exponent = f"{value:.0e}".split("e+")
        return f"{digit}e{exponent.lstrip('0')}"
    text = repr(value)
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return text
    return f"{mantissa}e{int(exponent)}"


class _Writer:
    """Writes expressions, each method one kind of node."""

    is_python = True

    def __init__(self, rename: Rename | None) -> None:
        self.rename = rename

    def write(self, expr: Expr, least: int) -> str:
        """An expression, in parentheses if it binds less tight than `least`."""
        text = _WRITERS[expr.__class__](self, expr)
        return f"({text})" if precedence(expr) < least else text

    def literal(self, expr: Literal) -> str:
        value = expr.value
        if value is None or isinstance(value, bool):
            return self.constant(value)
        return self.string(value) if isinstance(value, str) else number_text(value)

    def name(self, expr: Name) -> str:
        return self.rename(expr.id) if self.rename else expr.id

    def unary(self, expr: Unary) -> str:
        if expr.op == "not":
            return f"not {self.write(expr.operand, _NOT)}"
        is_power = isinstance(expr.operand, Binary) and expr.operand.op == "**"
        least = _ATOM if is_power and self.is_python else _SIGN
        return f"{expr.op}{self.write(expr.operand, least)}"

    def binary(self, expr: Binary) -> str:
        if expr.op == "**":
            return self.power(expr)
        level = _BINARY[expr.op]
        left, right = self.write(expr.left, level), self.write(expr.right, level + 1)
        return f"{left} {expr.op} {right}"

    def power(self, expr: Binary) -> str:
        base, exponent = self.write(expr.left, _POWER + 1), self.write(expr.right, _SIGN)
        neighbour, grouped = expr.right, precedence(expr.left) < _ATOM
        if isinstance(neighbour, Binary) and neighbour.op == "**":
            neighbour = neighbour.left
            grouped = grouped or precedence(neighbour) < _ATOM
        hugs = self.is_python and not grouped
        hugs = hugs and self.is_simple(expr.left) and self.is_simple(neighbour)
        return f"{base}**{exponent}" if hugs else f"{base} ** {exponent}"

    def is_simple(self, expr: Expr) -> bool:
        """Whether the formatter writes a power of this operand without spaces."""
        if isinstance(expr, Unary) and expr.op != "not":
            return self.is_simple(expr.operand)
        if isinstance(expr, Name):
            return self.name(expr).replace(".", "_").isidentifier()
        return isinstance(expr, Literal) and isinstance(expr.value, int | float)

    def compare(self, expr: Compare) -> str:
        parts = [self.write(expr.left, _COMPARE + 1)]
        for op, right in zip(expr.ops, expr.rights, strict=True):
            parts.append(f"{op} {self.write(right, _COMPARE + 1)}")
        return " ".join(parts)

    def boolean(self, expr: Boolean) -> str:
        level = _OR if expr.op == "or" else _AND
        return f" {expr.op} ".join(self.write(item, level + 1) for item in expr.operands)

    def conditional(self, expr: Conditional) -> str:
        then, test = self.write(expr.then, _OR), self.write(expr.test, _OR)
        return f"{then} if {test} else {self.write(expr.otherwise, _CONDITIONAL)}"

    def call(self, expr: Call) -> str:
        args = ", ".join(self.write(item, _CONDITIONAL) for item in expr.args)
        return f"{self.function(expr.function)}({args})"

    def index(self, expr: Index) -> str:
        return f"{self.write(expr.base, _ATOM)}[{self.write(expr.index, _CONDITIONAL)}]"

    def slice(self, expr: Slice) -> str:
        bounds = (expr.start, expr.stop)
        texts = ["" if bound is None else self.write(bound, _CONDITIONAL) for bound in bounds]
        space = "" if all(bound is None or _is_plain_bound(bound) for bound in bounds) else " "
        start = texts[0] + space if texts[0] else ""
        stop = space + texts[1] if texts[1] else ""
        return f"{self.write(expr.base, _ATOM)}[{start}:{stop}]"

    def list_of(self, expr: ListOf) -> str:
        items = ", ".join(self.write(item, _CONDITIONAL) for item in expr.items)
        if not self.is_python:
            return f"[{items}]"
        return f"({items},)" if len(expr.items) == 1 else f"({items})"  # params are tuples too

    def operand(self, expr: Operand) -> str:
        return expr.text

    def option(self, expr: Option) -> str:
        return f"{expr.name}={self.write(expr.value, _CONDITIONAL)}"

    def formula(self, expr: Formula) -> str:
        return self.write(expr.body, _CONDITIONAL)

    def constant(self, value: object) -> str:
        """The word for true, false or null."""
        return str(value)

    def function(self, name: str) -> str:
        """A function's name."""
        return name

    def string(self, text: str) -> str:
        """A string with its quotes."""
        return python_string(text)


class _Python(_Writer):
    """Python."""

    def function(self, name: str) -> str:
        """Some functions live in `math`, the others are builtins."""
        return f"math.{name}" if name in _MATH else name


class _Spec(_Writer):
    """The language itself."""

    is_python = False

    def constant(self, value: object) -> str:
        """YAML's words."""
        return "null" if value is None else str(value).lower()


def precedence(expr: Expr) -> int:
    """How tight an expression binds."""
    if isinstance(expr, Binary):
        return _BINARY[expr.op]
    if isinstance(expr, Unary):
        return _NOT if expr.op == "not" else _SIGN
    if isinstance(expr, Literal) and isinstance(expr.value, int | float) and expr.value < 0:
        return _SIGN
    if isinstance(expr, Boolean):
        return _OR if expr.op == "or" else _AND
    if isinstance(expr, Compare):
        return _COMPARE
    return _CONDITIONAL if isinstance(expr, Conditional) else _ATOM


def _is_plain_bound(expr: Expr) -> bool:
    """Whether the formatter writes a slice with this bound without spaces."""
    if isinstance(expr, Unary) and expr.op != "not":
        return _is_plain_bound(expr.operand)
    return isinstance(expr, Literal | Name)


_WRITERS: dict[type, Callable[[_Writer, Any], str]] = {
    Literal: _Writer.literal,
    Name: _Writer.name,
    Unary: _Writer.unary,
    Binary: _Writer.binary,
    Compare: _Writer.compare,
    Boolean: _Writer.boolean,
    Conditional: _Writer.conditional,
    Call: _Writer.call,
    Index: _Writer.index,
    Slice: _Writer.slice,
    ListOf: _Writer.list_of,
    Operand: _Writer.operand,
    Option: _Writer.option,
    Formula: _Writer.formula,
}
