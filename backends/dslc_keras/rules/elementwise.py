"""Further arithmetic, comparisons and logic in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from dslc.ops.bases import Reduce
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
from dslc_keras.layers import axes_text
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext
    from dslc.ops.base import Op

SIGNS: dict[type[Op], str] = {
    Sub: "-",
    Div: "/",
    Pow: "**",
    Less: "<",
    LessEqual: "<=",
    Greater: ">",
    GreaterEqual: ">=",
}


@RULES.add(*SIGNS)
def signed(c: FunctionContext) -> str:
    return f" {SIGNS[type(c.op)]} ".join(c.args)


@RULES.add(Neg)
def neg(c: FunctionContext) -> str:
    return f"-{c.x}"


@RULES.add(Abs, Exp, Log, Sqrt, Rsqrt, Sin, Cos, Erf, Floor, Ceil, Round, Sign, LogicalNot)
def unary(c: FunctionContext) -> str:
    return f"ops.{c.op.name}({c.x})"


@RULES.add(Equal, NotEqual, LogicalAnd, LogicalOr, LogicalXor, Minimum, Maximum)
def function_of_two(c: FunctionContext) -> str:
    if c.is_spread:
        return c.reduced(f"ops.{c.op.name}")
    text, *others = c.args
    for other in others:
        text = f"ops.{c.op.name}({text}, {other})"
    return text


@RULES.add(Clip)
def clip(c: FunctionContext) -> str:
    low, high = (c.op.values[name] for name in ("min", "max"))
    if high is None:
        return f"ops.maximum({c.x}, {c.attribute('min')})"
    if low is None:
        return f"ops.minimum({c.x}, {c.attribute('max')})"
    return f"ops.clip({c.x}, {c.attribute('min')}, {c.attribute('max')})"


@RULES.add(ReduceMax, ReduceMin, ReduceProd, ReduceLogsumexp)
def reduce_more(c: FunctionContext) -> str:
    return reduced(c, f"ops.{c.op.name.removeprefix('reduce_')}", c.x)


@RULES.add(ReduceNorm)
def reduce_norm(c: FunctionContext) -> str:
    if c.op.values["p"] == 1:
        return reduced(c, "ops.sum", f"ops.abs({c.x})")
    return reduced(c, c.helper("vector_norm"), c.x)


def reduced(c: FunctionContext, function: str, text: str) -> str:
    """A reduction of an expression over the op's axes."""
    assert isinstance(c.op, Reduce)
    axes = c.op.axes(c.types[0].rank)
    place = "" if len(axes) == c.types[0].rank else f", axis={axes_text(c, axes)}"
    keep = ", keepdims=True" if c.op.keep else ""
    return f"{function}({text}{place}{keep})"
