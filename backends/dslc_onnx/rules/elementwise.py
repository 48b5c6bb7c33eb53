"""Further arithmetic, comparisons and logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.arithmetic import (
    Clip,
    Div,
    Maximum,
    Minimum,
    Pow,
    ReduceLogsumexp,
    ReduceMax,
    ReduceMin,
    ReduceNorm,
    ReduceProd,
    Sub,
)
from dslc.ops.comparison import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    LogicalXor,
    NotEqual,
)
from dslc.ops.unary import (
    Abs,
    Ceil,
    Cos,
    Erf,
    Exp,
    Floor,
    Log,
    Neg,
    Round,
    Rsqrt,
    Sign,
    Sin,
    Sqrt,
)
from dslc_onnx.rules import RULES
from dslc_onnx.rules.activation import unary
from dslc_onnx.rules.arithmetic import broadcasting, operands_in_form, reduction

if TYPE_CHECKING:
    from dslc.ops.base import Op
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result, Rule


UNARY: dict[type[Op], str] = {
    Abs: "Abs",
    Ceil: "Ceil",
    Cos: "Cos",
    Erf: "Erf",
    Exp: "Exp",
    Floor: "Floor",
    Log: "Log",
    LogicalNot: "Not",
    Neg: "Neg",
    Round: "Round",
    Sign: "Sign",
    Sin: "Sin",
    Sqrt: "Sqrt",
}
BINARY: dict[type[Op], str] = {
    Div: "Div",
    Equal: "Equal",
    Greater: "Greater",
    GreaterEqual: "GreaterOrEqual",
    Less: "Less",
    LessEqual: "LessOrEqual",
    LogicalAnd: "And",
    LogicalOr: "Or",
    LogicalXor: "Xor",
    Pow: "Pow",
    Sub: "Sub",
}
REDUCTIONS: dict[type[Op], str] = {
    ReduceLogsumexp: "ReduceLogSumExp",
    ReduceMax: "ReduceMax",
    ReduceMin: "ReduceMin",
    ReduceProd: "ReduceProd",
}


def of_two(op_type: str) -> Rule:
    """A function of two values, broadcast."""

    def rule(at: Lowering[Any]) -> Result:
        return at.emit(op_type, *operands_in_form(at))

    return rule


@RULES.add(NotEqual)
def not_equal(at: Lowering[NotEqual]) -> Result:
    """`Not(Equal)`."""
    return at.emit("Not", at.emit("Equal", *operands_in_form(at), label="equal"))


@RULES.add(Rsqrt)
def rsqrt(at: Lowering[Rsqrt]) -> Result:
    """`Reciprocal(Sqrt)`."""
    at.keep_form()
    return at.emit("Reciprocal", at.emit("Sqrt", at.input(), label="root"))


@RULES.add(Clip)
def clip(at: Lowering[Clip]) -> Result:
    """`Clip`."""
    at.keep_form()
    low, high = (at.op.values[name] for name in ("min", "max"))
    bounds = [None if bound is None else at.number(bound) for bound in (low, high)]
    return at.emit("Clip", at.input(), *(bounds if high is not None else bounds[:1]))


@RULES.add(ReduceNorm)
def reduce_norm(at: Lowering[ReduceNorm]) -> Result:
    """`ReduceL1` or `ReduceL2`."""
    return reduction(f"ReduceL{at.op.p}", axes_are_input=18)(at)


for _op, _name in UNARY.items():
    RULES.add(_op)(unary(_name))
for _op, _name in BINARY.items():
    RULES.add(_op)(of_two(_name))
for _op, _name in REDUCTIONS.items():
    RULES.add(_op)(reduction(_name, axes_are_input=18))
RULES.add(Minimum)(broadcasting("Min", of_many="Min"))
RULES.add(Maximum)(broadcasting("Max", of_many="Max"))
