"""Values picked, counted and made in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.select import (
    Argmax,
    Constant,
    Cumsum,
    Gather,
    Identity,
    OneHot,
    Range,
    Resize,
    StopGradient,
    Where,
)
from dslc_jax.axes import axis_text, sizes
from dslc_jax.dtypes import DTYPES
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Gather)
def gather(c: OpContext) -> str:
    x, ids = c.args
    axis, batch = c.op.values["axis"] % c.types[0].rank, c.op.values["batch"]
    if batch:
        return f"{c.helper('gather')}({x}, {ids}, {axis}, {batch})"
    return f"jnp.take({x}, {ids}, axis={axis})"


@RULES.add(OneHot)
def one_hot(c: OpContext) -> str:
    return f"nnx.one_hot({c.x}, {c.run_attribute('classes')})"


@RULES.add(Where)
def where(c: OpContext) -> str:
    return f"jnp.where({', '.join(c.args)})"


@RULES.add(Argmax)
def argmax(c: OpContext) -> str:
    keep = ", keepdims=True" if c.op.values["keep"] else ""
    return f"{c.x}.argmax({axis_text(c)}{keep})"


@RULES.add(Cumsum)
def cumsum(c: OpContext) -> str:
    return f"{c.x}.cumsum({axis_text(c)})"


@RULES.add(Range)
def range_(c: OpContext) -> str:
    start = f"{c.run_attribute('start')}, " if c.given("start") or c.given("step") else ""
    step = f", {c.run_attribute('step')}" if c.given("step") else ""
    return f"jnp.arange({start}{c.run_attribute('stop')}{step})"


@RULES.add(Constant)
def constant(c: OpContext) -> str:
    dtype = DTYPES[c.op.values["dtype"]]
    return f"jnp.full({c.run_tuple('shape')}, {c.run_attribute('value')}, jnp.{dtype})"


@RULES.add(Identity)
def identity(c: OpContext) -> str:
    return c.x


@RULES.add(StopGradient)
def stop_gradient(c: OpContext) -> str:
    return f"jax.lax.stop_gradient({c.x})"


@RULES.add(Resize)
def resize(c: OpContext) -> str:
    name = c.helper(f"resize_{c.op.values['mode']}")
    if c.op.values["size"] is not None:
        return f"{name}({c.x}, {', '.join(sizes(c, 'size', run=True))})"
    high, wide = sizes(c, "scale", run=True)
    x = c.x
    if not x.isidentifier():
        x = c.writer.body.names.fresh("image")
        c.statement(f"{x} = {c.x}")
    return f"{name}({x}, {high} * {x}.shape[1], {wide} * {x}.shape[2])"
