"""`expr`: elementwise arithmetic, worked out as the ops that it consists of.

A formula is a tree of parts: values, constants, and ops of them, each with its type. The checker
types it, ONNX lowers it part by part, and the other backends write it as one expression with the
rules of these very ops.

Dtypes: bool counts as integers 0 and 1 where numbers are meant, integers count as floats where
floats are meant (`/`, `**`, `sigmoid`, a float beside them), and a number takes the dtype of the values
beside it. Two float dtypes, or two integer ones, never mix. Where no value says which, floats are
f32 and integers i64.
"""

from __future__ import annotations

from dslc.ir.dims import Dim
from dslc.ir.types import FLOATS, INTEGERS, TensorType
from dslc.ops import find
from dslc.ops.arithmetic import Add, Div, Mul, Pow, Sub
from dslc.ops.attributes import Attribute, InvalidAttribute
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.bases import Broadcasting, Elementwise
from dslc.ops.comparison import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    NotEqual,
)
from dslc.ops.select import Where
from dslc.ops.tensor import Cast
from dslc.ops.unary import Neg
from dslc.syntax.expressions import (
    Binary,
    Boolean,
    Call,
    Compare,
    Conditional,
    ExpressionError,
    Operand,
    Option,
    Unary,
    describe,
)
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from dslc.ir.dims import DimLike
    from dslc.syntax.expressions import Expr
    from dslc.syntax.formulas import Bound

ARITHMETIC: dict[str, type[Op]] = {"+": Add, "-": Sub, "*": Mul, "/": Div, "**": Pow}
COMPARISONS: dict[str, type[Op]] = {
    "==": Equal,
    "!=": NotEqual,
    "<": Less,
    "<=": LessEqual,
    ">": Greater,
    ">=": GreaterEqual,
}
WORDS = {"min": "minimum", "max": "maximum"}
"""Functions of expressions that have another name among the ops."""


def function_op(name: str) -> type[Op] | None:
    """The op behind a function of formulas: one of elements alone, without weights."""
    op = find(WORDS.get(name, name))
    return op if op is not None and is_function(op) else None


def is_function(op: type[Op]) -> bool:
    """Whether an op works on each element alone and has no weights."""
    of_elements = issubclass(op, Elementwise | Broadcasting)
    return of_elements and op.family in ("activation", "arithmetic") and op.weights is Op.weights


@final
class Part:
    """A part of a formula: a value (by `position`), a constant, an op of parts, or a choice.

    A choice is a conditional whose test is a constant: `constant` is its value. A `weak` part takes
    the dtype of what it meets: a number, or what bools and numbers make.
    """

    __slots__ = ("constant", "node", "op", "parts", "position", "type", "weak")

    def __init__(
        self,
        node: Expr,
        type: TensorType,
        *,
        op: Op | None = None,
        parts: tuple[Part, ...] = (),
        position: int | None = None,
        constant: Any = None,
        weak: bool = False,
    ) -> None:
        self.node = node
        self.type = type
        self.op = op
        self.parts = parts
        self.position = position
        self.constant = constant
        self.weak = weak

    @property
    def is_constant(self) -> bool:
        """Whether it is a number, a boolean or a size."""
        return self.op is None and self.position is None and not self.parts

    @property
    def level(self) -> int:
        """0 of bool, 1 of integers, 2 of floats."""
        return 2 if self.type.dtype in FLOATS else int(self.type.dtype in INTEGERS)

    def all_parts(self) -> Iterator[Part]:
        """This part and those inside."""
        yield self
        for part in self.parts:
            yield from part.all_parts()


class _FormulaSlot(Attribute):
    """The formula itself, read by the language and not by a slot."""

    kind = "formula"

    def decisive(self, value: Any) -> str:
        bound: Bound = value
        words = (word for word in bound.constants.values() if isinstance(word, str))
        return "".join(words)


class Arithmetic(Op):
    """Arithmetic of values element by element, broadcast: what `expr` says."""

    name = "expr"
    layout = "elementwise"
    inputs = (Input("values", "any", variadic=True),)
    formula = _FormulaSlot(doc="what is computed")

    def root(self, check: Check, types: Sequence[TensorType]) -> Part:
        """The formula as parts with types; raises `ExpressionError` at the part that is wrong."""
        bound: Bound = self.values["formula"]
        return _Typing(check, types, bound).part(bound.formula.body)

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return self.root(check, types).type

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        del outputs
        total: DimLike = 0
        for part in self.root(Check(None), types).all_parts():
            if part.op is not None and not isinstance(part.op, Cast):
                total = total + part.op.flops([p.type for p in part.parts], [part.type])
        return total


class _Typing:
    """Types one formula; each method one kind of node."""

    def __init__(self, check: Check, types: Sequence[TensorType], bound: Bound) -> None:
        self.check = check
        self.types = types
        self.constants = bound.constants

    def part(self, node: Expr) -> Part:
        """The part that a node is."""
        if id(node) in self.constants:
            return self.constant(node)
        return _METHODS[node.__class__](self, node)

    def constant(self, node: Expr) -> Part:
        value = self.constants[id(node)]
        if not isinstance(value, int | float | Dim):
            message = f"a formula computes with numbers, and this is {describe(value)}"
            raise ExpressionError("E0204", message, node.span)
        dtype = "bool" if isinstance(value, bool) else "f32" if isinstance(value, float) else "i64"
        return Part(node, TensorType(dtype, ()), constant=value, weak=True)

    def operand(self, node: Operand) -> Part:
        return Part(node, self.types[node.position], position=node.position)

    def unary(self, node: Unary) -> Part:
        part = self.part(node.operand)
        if node.op == "not":
            return self.apply(LogicalNot({}), [part], node)
        return self.apply(Neg({}), [part], node) if node.op == "-" else part

    def binary(self, node: Binary) -> Part:
        op = ARITHMETIC.get(node.op)
        if op is None:
            help = "write `floor(a / b)`"
            help += "" if node.op == "//" else ", and `a - b * floor(a / b)` for the remainder"
            message = f"`{node.op}` works on numbers, not on values"
            raise ExpressionError("E0204", message, node.span, help)
        return self.apply(op({}), [self.part(node.left), self.part(node.right)], node)

    def compare(self, node: Compare) -> Part:
        sides = [self.part(side) for side in (node.left, *node.rights)]
        found: Part | None = None
        for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if op not in COMPARISONS:
                message = f"`{op}` works on lists and numbers, not on values"
                raise ExpressionError("E0204", message, node.span, "compare with `==` and `or`")
            part = self.apply(COMPARISONS[op]({}), [left, right], node)
            found = part if found is None else self.apply(LogicalAnd({}), [found, part], node)
        assert found is not None
        return found

    def boolean(self, node: Boolean) -> Part:
        op = LogicalAnd({}) if node.op == "and" else LogicalOr({})
        first, *others = [self.part(operand) for operand in node.operands]
        for other in others:
            first = self.apply(op, [first, other], node)
        return first

    def conditional(self, node: Conditional) -> Part:
        test, *sides = (self.part(part) for part in (node.test, node.then, node.otherwise))
        if not test.is_constant:
            return self.apply(Where({}), [test, *sides], node)
        if not isinstance(test.constant, bool):
            message = f"`if` takes a condition, and this is {describe(test.constant)}"
            raise ExpressionError("E0204", message, node.test.span, "compare it, as in `… != 0`")
        then, otherwise = self.unified("if", sides, 0, node)
        if then.type != otherwise.type:
            message = f"a choice has one type, and its sides are {then.type} and {otherwise.type}"
            raise ExpressionError("E0304", message, node.span, "write two steps with `when`")
        weak = then.weak and otherwise.weak
        parts = (then, otherwise)
        return Part(node, then.type, parts=parts, constant=test.constant, weak=weak)

    def call(self, node: Call) -> Part:
        kind = function_op(node.function)
        if kind is None:  # of a number that only a run knows: `log2(T)`
            message = f"`{node.function}` works on numbers that are known, not on values"
            raise ExpressionError("E0204", message, node.span)
        given = {arg.name: arg.value for arg in node.args if isinstance(arg, Option)}
        values = {name: self.constants[id(value)] for name, value in given.items()}
        try:
            op = kind(values)
        except InvalidAttribute as error:
            span = given[error.name].span if error.name in given else node.span
            raise ExpressionError("E0504", error.message, span) from error
        parts = [self.part(arg) for arg in node.args if not isinstance(arg, Option)]
        return self.apply(op, parts, node)

    def apply(self, op: Op, parts: list[Part], node: Expr) -> Part:
        """An op of parts, converted to what it takes."""
        slots = [*op.inputs, *op.inputs[-1:] * (len(parts) - len(op.inputs))]
        logical = slots[0].holds == "bool"
        for part, slot in zip(parts, slots, strict=True):
            if slot.holds == "bool":
                need_bool(part, op, node)
        floor = {"float": 2, "number": 1}.get(slots[-1].holds, 0)
        rest = [] if logical and slots[-1].holds == "bool" else parts[logical:]
        made = self.unified(word_of(op, node), rest, floor, node)
        weak = bool(rest) and all(part.weak for part in made)
        parts = [*parts[: len(parts) - len(made)], *made]
        try:
            type = op.infer(self.check, *(part.type for part in parts))
        except OpError as error:
            raise located(error, op, parts, node) from error
        assert isinstance(type, TensorType)
        weak = weak and type.dtype != "bool"
        return Part(node, type, op=op, parts=tuple(parts), weak=weak)

    def unified(self, name: str, parts: list[Part], floor: int, node: Expr) -> list[Part]:
        """Parts in one dtype, which is at least of the level `floor`."""
        level = max([floor, *(part.level for part in parts)])
        if level == 0:
            return parts
        firm = [part for part in parts if part.level == level and not part.weak]
        dtypes = list(dict.fromkeys(part.type.dtype for part in firm))
        if len(dtypes) > 1:
            message = f"`{name}` needs one dtype, and has {dtypes[0]} and {dtypes[1]}"
            help = f"convert one with `cast: {dtypes[0]}`, in a step above"
            raise ExpressionError("E0305", message, node.span, help)
        dtype = dtypes[0] if dtypes else "f32" if level == 2 else "i64"
        return [converted(part, dtype) for part in parts]


def word_of(op: Op, node: Expr) -> str:
    """How a formula writes an op: its operator, or its name."""
    return node.op if isinstance(node, Binary | Unary | Boolean) else op.name


def located(error: OpError, op: Op, parts: list[Part], node: Expr) -> ExpressionError:
    """An op's error where it is written, with the types that met."""
    types = " and ".join(str(part.type) for part in parts if part.type.shape)
    message = error.message.replace(f"`{op.name}`", f"`{word_of(op, node)}`")
    message = f"{message} ({types})" if error.code != "E0504" else message
    span = node.span
    if isinstance(node, Call) and error.attribute is not None:
        options = [arg for arg in node.args if isinstance(arg, Option)]
        span = next((arg.span for arg in options if arg.name == error.attribute), span)
    return ExpressionError(error.code, message, span, error.help)


def need_bool(part: Part, op: Op, node: Expr) -> None:
    """Refuses what is no truth value where one is meant."""
    if part.type.dtype == "bool":
        return
    word = "if" if isinstance(op, Where) else word_of(op, node)
    found = describe(part.constant) if part.is_constant else str(part.type)
    message = f"`{word}` takes truth values, and this is {found}"
    span = part.node.span if part.node is not node else node.span
    raise ExpressionError("E0320", message, span, "compare it, as in `… > 0`")


def converted(part: Part, dtype: str) -> Part:
    """A part in a dtype of a higher level, or another of the same; bools count as 0 and 1."""
    type = part.type.with_dtype(dtype)
    if part.type == type:
        return part
    if part.is_constant:
        return Part(part.node, type, constant=part.constant, weak=True)
    if isinstance(part.op, Cast):
        return converted(part.parts[0], dtype)
    if part.weak and (part.op is None or not isinstance(part.op, Where)):
        parts = tuple(converted(inner, dtype) for inner in part.parts)
        return Part(part.node, type, op=part.op, parts=parts, constant=part.constant, weak=True)
    if part.weak:
        test, *sides = part.parts
        parts = (test, *(converted(side, dtype) for side in sides))
        return Part(part.node, type, op=part.op, parts=parts, weak=True)
    weak = part.level < 2
    return Part(part.node, type, op=Cast({"dtype": dtype}), parts=(part,), weak=weak)


_METHODS: dict[type, Callable[[_Typing, Any], Part]] = {
    Operand: _Typing.operand,
    Unary: _Typing.unary,
    Binary: _Typing.binary,
    Compare: _Typing.compare,
    Boolean: _Typing.boolean,
    Conditional: _Typing.conditional,
    Call: _Typing.call,
}
