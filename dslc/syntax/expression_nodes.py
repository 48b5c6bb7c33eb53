"""The nodes of an expression: frozen, compared by structure, each with the span it came from.

Two expressions are equal if they were written alike, wherever they stand; so spans take no part in
equality, and instances of a block can be told apart by their arguments alone.
"""

from __future__ import annotations

from dslc.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal as Word

    Value = int | float | bool | str | None
    UnaryOperator = Word["-", "+", "not"]
    BinaryOperator = Word["+", "-", "*", "/", "//", "%", "**"]
    Comparison = Word["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
    BooleanOperator = Word["and", "or"]

_set = object.__setattr__
NO_SPAN = Span("", 1, 1, 1, 2)
"""The span of an expression that no file holds."""


class ExpressionError(Exception):
    """An expression that cannot be read or has no value.

    Args:
        code: the code in the catalogue.
        message: one terse sentence.
        span: the part that is at fault.
        help: what to write instead.
        near: the known word that was meant at the span, if one is near.
    """

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        help: str | None = None,
        near: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.help = help
        self.near = near


class Node:
    """What all nodes share."""

    __slots__ = ("span",)
    fields: tuple[str, ...] = ()
    """The names of the fields that make up the structure, in order."""
    span: Span

    def key(self) -> tuple[object, ...]:
        """What equality and hashing compare."""
        return tuple(getattr(self, name) for name in self.fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node) or other.__class__ is not self.__class__:
            return False
        return self is other or self.key() == other.key()

    def __hash__(self) -> int:
        return hash((self.__class__.__name__, self.key()))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an expression is frozen; cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an expression is frozen; cannot delete {name!r}")

    def __reduce__(self) -> tuple[object, ...]:
        return (self.__class__, (*(getattr(self, name) for name in self.fields), self.span))

    def __repr__(self) -> str:
        inner = ", ".join(repr(getattr(self, name)) for name in self.fields)
        return f"{self.__class__.__name__}({inner})"


class Literal(Node):
    """A number, a boolean, a quoted string or `null`."""

    __slots__ = ("value",)
    fields = ("value",)
    value: Value

    def __init__(self, value: Value, span: Span = NO_SPAN) -> None:
        _set(self, "value", value)
        _set(self, "span", span)

    def key(self) -> tuple[object, ...]:
        """The value and its type: 1, 1.0 and true are three literals."""
        return (self.value.__class__.__name__, self.value)


class Name(Node):
    """A param, a dim or an index."""

    __slots__ = ("id",)
    fields = ("id",)
    id: str

    def __init__(self, id: str, span: Span = NO_SPAN) -> None:
        _set(self, "id", id)
        _set(self, "span", span)


class Unary(Node):
    """`-a`, `+a` or `not a`."""

    __slots__ = ("op", "operand")
    fields = ("op", "operand")
    op: UnaryOperator
    operand: Expr

    def __init__(self, op: UnaryOperator, operand: Expr, span: Span = NO_SPAN) -> None:
        _set(self, "op", op)
        _set(self, "operand", operand)
        _set(self, "span", span)


class Binary(Node):
    """Arithmetic of two operands."""

    __slots__ = ("left", "op", "right")
    fields = ("op", "left", "right")
    op: BinaryOperator
    left: Expr
    right: Expr

    def __init__(self, op: BinaryOperator, left: Expr, right: Expr, span: Span = NO_SPAN) -> None:
        _set(self, "op", op)
        _set(self, "left", left)
        _set(self, "right", right)
        _set(self, "span", span)


class Compare(Node):
    """A chain of comparisons: `a < b <= c` has two operators and two right sides."""

    __slots__ = ("left", "ops", "rights")
    fields = ("left", "ops", "rights")
    left: Expr
    ops: tuple[Comparison, ...]
    rights: tuple[Expr, ...]

    def __init__(
        self,
        left: Expr,
        ops: tuple[Comparison, ...],
        rights: tuple[Expr, ...],
        span: Span = NO_SPAN,
    ) -> None:
        _set(self, "left", left)
        _set(self, "ops", tuple(ops))
        _set(self, "rights", tuple(rights))
        _set(self, "span", span)


class Boolean(Node):
    """Two or more operands joined by `and`, or by `or`."""

    __slots__ = ("op", "operands")
    fields = ("op", "operands")
    op: BooleanOperator
    operands: tuple[Expr, ...]

    def __init__(
        self, op: BooleanOperator, operands: tuple[Expr, ...], span: Span = NO_SPAN
    ) -> None:
        _set(self, "op", op)
        _set(self, "operands", tuple(operands))
        _set(self, "span", span)


class Conditional(Node):
    """`then if test else otherwise`."""

    __slots__ = ("otherwise", "test", "then")
    fields = ("test", "then", "otherwise")
    test: Expr
    then: Expr
    otherwise: Expr

    def __init__(self, test: Expr, then: Expr, otherwise: Expr, span: Span = NO_SPAN) -> None:
        _set(self, "test", test)
        _set(self, "then", then)
        _set(self, "otherwise", otherwise)
        _set(self, "span", span)


class Call(Node):
    """A call of one of the language's few functions."""

    __slots__ = ("args", "function")
    fields = ("function", "args")
    function: str
    args: tuple[Expr, ...]

    def __init__(self, function: str, args: tuple[Expr, ...], span: Span = NO_SPAN) -> None:
        _set(self, "function", function)
        _set(self, "args", tuple(args))
        _set(self, "span", span)


class Index(Node):
    """`base[index]`."""

    __slots__ = ("base", "index")
    fields = ("base", "index")
    base: Expr
    index: Expr

    def __init__(self, base: Expr, index: Expr, span: Span = NO_SPAN) -> None:
        _set(self, "base", base)
        _set(self, "index", index)
        _set(self, "span", span)


class Slice(Node):
    """`base[start:stop]`; a bound that is not written is None."""

    __slots__ = ("base", "start", "stop")
    fields = ("base", "start", "stop")
    base: Expr
    start: Expr | None
    stop: Expr | None

    def __init__(
        self, base: Expr, start: Expr | None, stop: Expr | None, span: Span = NO_SPAN
    ) -> None:
        _set(self, "base", base)
        _set(self, "start", start)
        _set(self, "stop", stop)
        _set(self, "span", span)


class ListOf(Node):
    """`[a, b, c]`."""

    __slots__ = ("items",)
    fields = ("items",)
    items: tuple[Expr, ...]

    def __init__(self, items: tuple[Expr, ...], span: Span = NO_SPAN) -> None:
        _set(self, "items", tuple(items))
        _set(self, "span", span)


class Operand(Node):
    """A value in a formula: its place among the step's inputs, and how the spec refers to it."""

    __slots__ = ("position", "text")
    fields = ("position", "text")
    position: int
    text: str

    def __init__(self, position: int, text: str, span: Span = NO_SPAN) -> None:
        _set(self, "position", position)
        _set(self, "text", text)
        _set(self, "span", span)


class Option(Node):
    """`name=value` in the call of an op inside a formula."""

    __slots__ = ("name", "value")
    fields = ("name", "value")
    name: str
    value: Expr

    def __init__(self, name: str, value: Expr, span: Span = NO_SPAN) -> None:
        _set(self, "name", name)
        _set(self, "value", value)
        _set(self, "span", span)


class Formula(Node):
    """What `expr` computes: an expression in which operands stand for values."""

    __slots__ = ("body",)
    fields = ("body",)
    body: Expr

    def __init__(self, body: Expr, span: Span = NO_SPAN) -> None:
        _set(self, "body", body)
        _set(self, "span", span)


Expr = (
    Literal
    | Name
    | Unary
    | Binary
    | Compare
    | Boolean
    | Conditional
    | Call
    | Index
    | Slice
    | ListOf
    | Operand
    | Option
    | Formula
)


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside one, from left to right as fields have them."""
    found: list[Expr] = []
    for name in expr.fields:
        part = getattr(expr, name)
        if isinstance(part, Node):
            found.append(part)  # pyright: ignore[reportArgumentType]
        elif isinstance(part, tuple):
            found.extend(item for item in part if isinstance(item, Node))  # pyright: ignore
    return tuple(found)


def names_in(expr: Expr) -> Iterator[Name]:
    """Every place where an expression reads a name, from left to right."""
    waiting: list[Expr] = [expr]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Name):
            yield item
        else:
            waiting.extend(reversed(children(item)))


def free_names(expr: Expr) -> frozenset[str]:
    """The names that an expression reads."""
    return frozenset(name.id for name in names_in(expr))
