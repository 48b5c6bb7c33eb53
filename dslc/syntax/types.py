"""Types as a spec writes them: `f32[N, 3, H, W]`, `f32[]`, `f32[..., D]`, `f32`."""

from __future__ import annotations

from dslc.diagnostics import nearest, quote
from dslc.source import Span
from dslc.syntax.expression_nodes import Expr, ExpressionError
from dslc.syntax.expression_parser import Parser
from dslc.syntax.expression_text import to_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import EllipsisType

DTYPES = ("bool", "i8", "i16", "i32", "i64", "u8", "f16", "bf16", "f32", "f64")
"""The dtypes of the language."""

ELLIPSIS = ...
"""Stands in a shape for any number of leading dims."""

_SYNONYMS = {
    "float": "f32",
    "float16": "f16",
    "half": "f16",
    "bfloat16": "bf16",
    "float32": "f32",
    "float64": "f64",
    "double": "f64",
    "int": "i64",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "long": "i64",
    "uint8": "u8",
    "boolean": "bool",
}


class TypeExpr:
    """A type with expressions for its dims.

    Attributes:
        dtype: one of `DTYPES`.
        dims: an expression per axis, `...` first where leading dims are open; None for any shape.
        span: where it stands.
    """

    __slots__ = ("dims", "dtype", "span")

    def __init__(
        self, dtype: str, dims: tuple[Expr | EllipsisType, ...] | None, span: Span
    ) -> None:
        self.dtype = dtype
        self.dims = dims
        self.span = span

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TypeExpr):
            return NotImplemented
        return (self.dtype, self.dims) == (other.dtype, other.dims)

    def __hash__(self) -> int:
        return hash((self.dtype, self.dims))

    def __str__(self) -> str:
        if self.dims is None:
            return self.dtype
        dims = (to_spec(dim) if isinstance(dim, Expr) else "..." for dim in self.dims)
        return f"{self.dtype}[{', '.join(dims)}]"

    def __repr__(self) -> str:
        return f"TypeExpr({str(self)!r})"


def parse_type(text: str, span: Span) -> TypeExpr:
    """Reads a type.

    Args:
        text: what the scalar holds.
        span: where the scalar stands.

    Raises:
        ExpressionError: E0210 (not a type), E0211 (unknown dtype), or what a dim's expression has.
    """
    parser = Parser(text, span)
    token = parser.peek()
    if token[0] != "name":
        raise _no_type(parser, "a dtype such as `f32`")
    parser.position += 1
    dtype = token[1]
    if dtype not in DTYPES:
        raise _unknown_dtype(dtype, parser.token_span(token))
    dims = _dims(parser) if parser.take("[") else None
    if parser.peek()[0] != "end":
        raise _no_type(parser, "`[` and a shape" if dims is None else "the end")
    return TypeExpr(dtype, dims, span)


def _dims(parser: Parser) -> tuple[Expr | EllipsisType, ...]:
    """The dims up to and with the closing bracket."""
    dims: list[Expr | EllipsisType] = []
    while not parser.at("]"):
        if parser.at("..."):
            if dims:
                raise _no_type(parser, "`...` only before all other dims")
            parser.position += 1
            dims.append(ELLIPSIS)
        elif parser.peek()[0] == "end" or parser.at(","):
            raise _no_type(parser, "a dim")
        else:
            dims.append(parser.expression())
        if not parser.take(","):
            break
    if not parser.take("]"):
        raise _no_type(parser, "`,` or `]`")
    return tuple(dims)


def _no_type(parser: Parser, expected: str) -> ExpressionError:
    """The error that something else was expected at the next token."""
    kind, _, start, stop = parser.peek()
    help = "a type is a dtype and a shape, as `f32[N, 3, H, W]`"
    if kind == "end":
        return ExpressionError("E0210", f"the type stops: expected {expected}", parser.span, help)
    found = quote(parser.text[start:stop], 40)
    part = parser.span.part(parser.text, start, stop)
    return ExpressionError("E0210", f"expected {expected}, found {found}", part, help)


def _unknown_dtype(word: str, span: Span) -> ExpressionError:
    """The error of a dtype that is none."""
    near = _SYNONYMS.get(word.lower()) or nearest(word, DTYPES)
    help = f"did you mean `{near}`?" if near else f"the dtypes are {', '.join(DTYPES)}"
    return ExpressionError("E0211", f"no dtype is called {quote(word)}", span, help, near)
