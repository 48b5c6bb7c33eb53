"""Further arithmetic, comparisons and logic in PyTorch."""

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
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.ops.base import Op

SIGNS: dict[type[Op], str] = {
    Sub: "-",
    Div: "/",
    Pow: "**",
    Equal: "==",
    NotEqual: "!=",
    Less: "<",
    LessEqual: "<=",
    Greater: ">",
    GreaterEqual: ">=",
    LogicalAnd: "&",
    LogicalOr: "|",
    LogicalXor: "^",
}


@RULES.add(*SIGNS)
def signed(c: OpContext) -> str:
    return f" {SIGNS[type(c.op)]} ".join(c.args)


@RULES.add(Neg)
def neg(c: OpContext) -> str:
    return f"-{c.x}"


@RULES.add(LogicalNot)
def logical_not(c: OpContext) -> str:
    return f"~{c.x}"


@RULES.add(Abs, Exp, Log, Sqrt, Rsqrt, Sin, Cos, Erf, Floor, Ceil, Round, Sign)
def unary(c: OpContext) -> str:
    return f"torch.{c.op.name}({c.x})"


@RULES.add(Minimum, Maximum)
def extreme(c: OpContext) -> str:
    """Of tensors by the function of two; a plain number is a bound."""
    if c.is_spread:
        return c.reduced(f"torch.{c.op.name}")
    order = sorted(range(len(c.args)), key=c.numbers.__contains__)
    text = c.args[order[0]]
    bound = "min" if c.op.name == "maximum" else "max"
    for k in order[1:]:
        is_number = k in c.numbers
        call = f"{text}.clamp({bound}={c.args[k]})"
        text = call if is_number else f"torch.{c.op.name}({text}, {c.args[k]})"
    return text


@RULES.add(Clip)
def clip(c: OpContext) -> str:
    bounds = [n for n in ("min", "max") if c.op.values[n] is not None]
    return f"{c.x}.clamp({', '.join(f'{n}={c.run_attribute(n)}' for n in bounds)})"


@RULES.add(ReduceMax, ReduceMin)
def reduce_extreme(c: OpContext) -> str:
    assert isinstance(c.op, ReduceMax | ReduceMin)
    return f"{c.x}.a{c.op.name.removeprefix('reduce_')}({places(c, c.op.axes(c.types[0].rank))})"


@RULES.add(ReduceLogsumexp)
def reduce_logsumexp(c: OpContext) -> str:
    assert isinstance(c.op, ReduceLogsumexp)
    return f"{c.x}.logsumexp({places(c, c.op.axes(c.types[0].rank))})"


@RULES.add(ReduceProd)
def reduce_prod(c: OpContext) -> str:
    """One axis after the other, from the last on: `prod` takes one."""
    assert isinstance(c.op, ReduceProd)
    axes = c.op.axes(c.types[0].rank)
    return c.x + "".join(f".prod({places(c, (axis,))})" for axis in reversed(axes))


@RULES.add(ReduceNorm)
def reduce_norm(c: OpContext) -> str:
    assert isinstance(c.op, ReduceNorm)
    order = "" if c.op.p == 2 else f", {c.op.p}"
    place = places(c, c.op.axes(c.types[0].rank))
    return f"torch.linalg.vector_norm({c.x}{order}, dim={place})"


def places(c: OpContext, axes: tuple[int, ...]) -> str:
    """Reduced axes, and that they are kept."""
    place = str(axes[0]) if len(axes) == 1 else repr(axes)
    return place + (", keepdim=True" if c.op.values["keep"] else "")
