"""Further arithmetic, comparisons and logic in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.types import FLOATS
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
from dslc_jax.rules import RULES

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


@RULES.add(Abs, Exp, Log, Sqrt, Sin, Cos, Floor, Ceil, Round, Sign)
def unary(c: OpContext) -> str:
    return f"jnp.{c.op.name}({c.x})"


@RULES.add(Erf, Rsqrt)
def lax_function(c: OpContext) -> str:
    return f"jax.lax.{c.op.name}({c.x})"


@RULES.add(Minimum, Maximum)
def extreme(c: OpContext) -> str:
    if c.is_spread:
        return c.reduced(f"jnp.{c.op.name}")
    text, *others = c.args
    for other in others:
        text = f"jnp.{c.op.name}({text}, {other})"
    return text


@RULES.add(Clip)
def clip(c: OpContext) -> str:
    bounds = [n for n in ("min", "max") if c.op.values[n] is not None]
    return f"jnp.clip({c.x}, {', '.join(f'{n}={c.run_attribute(n)}' for n in bounds)})"


@RULES.add(ReduceProd)
def reduce_prod(c: OpContext) -> str:
    return f"{c.x}.prod({places(c)})"


@RULES.add(ReduceMax, ReduceMin)
def reduce_extreme(c: OpContext) -> str:
    if c.types[0].dtype not in FLOATS:
        return f"{c.x}.{c.op.name.removeprefix('reduce_')}({places(c)})"
    assert isinstance(c.op, Reduce)
    keep = ", keepdims=True" if c.op.keep else ""
    sign = "-" if isinstance(c.op, ReduceMin) else ""
    return f"{sign}{c.helper('largest')}({sign}{c.x}, {reduced_axes(c)}{keep})"


@RULES.add(ReduceLogsumexp)
def reduce_logsumexp(c: OpContext) -> str:
    return f"nnx.logsumexp({c.x}, {places(c)})"


@RULES.add(ReduceNorm)
def reduce_norm(c: OpContext) -> str:
    if c.op.values["p"] == 1:
        return f"jnp.abs({c.x}).sum({places(c)})"
    return f"{c.helper('vector_norm')}({c.x}, {places(c)})"


def places(c: OpContext) -> str:
    """Reduced axes in this layout, and that they are kept."""
    assert isinstance(c.op, Reduce)
    axes = reduced_axes(c)
    place = str(axes[0]) if len(axes) == 1 else repr(axes)
    return place + (", keepdims=True" if c.op.keep else "")


def reduced_axes(c: OpContext) -> tuple[int, ...]:
    """Reduced axes in this layout."""
    assert isinstance(c.op, Reduce)
    return tuple(sorted(c.axis(axis) for axis in c.op.axes(c.types[0].rank)))
