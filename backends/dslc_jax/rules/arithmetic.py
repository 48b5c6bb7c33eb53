"""Arithmetic in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.arithmetic import Add, Mul, ReduceMean, ReduceSum
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Add)
def add(c: OpContext) -> str:
    return f"sum({c.listed})" if c.is_spread else " + ".join(c.args)


@RULES.add(Mul)
def mul(c: OpContext) -> str:
    if not c.is_spread:
        return " * ".join(c.args)
    c.require("import math")
    return f"math.prod({c.listed})"


@RULES.add(ReduceMean, ReduceSum)
def reduce(c: OpContext) -> str:
    assert isinstance(c.op, ReduceMean | ReduceSum)
    method = c.op.name.removeprefix("reduce_")
    rank = c.types[0].rank
    axes = tuple(sorted(c.axis(axis) for axis in c.op.axes(rank)))
    keep = ", keepdims=True" if c.op.keep else ""
    if len(axes) == rank and not keep:
        return f"{c.x}.{method}()"
    place = str(axes[0]) if len(axes) == 1 else repr(axes)
    return f"{c.x}.{method}({place}{keep})"
