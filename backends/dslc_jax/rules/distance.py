"""Losses place by place in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.distance import (
    Bce,
    BceWithLogits,
    CosineEmbedding,
    Hinge,
    Huber,
    KlDiv,
    Mae,
    Nll,
)
from dslc_jax.axes import axis_text
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Mae)
def mae(c: OpContext) -> str:
    x, target = c.args
    return f"jnp.abs({x} - {target}).mean()"


@RULES.add(Hinge)
def hinge(c: OpContext) -> str:
    x, target = c.args
    return f"nnx.relu(1 - {x} * {target}).mean()"


@RULES.add(Huber, Bce, BceWithLogits, CosineEmbedding)
def helped(c: OpContext) -> str:
    options = "".join(
        c.option(name, default, run=True)
        for name, default in (("delta", 1.0), ("margin", 0.0))
        if name in c.op.values
    )
    return f"{c.helper(c.op.name)}({', '.join(c.args)}{options})"


@RULES.add(KlDiv)
def kl_div(c: OpContext) -> str:
    return f"{c.helper('kl_div')}({', '.join(c.args)}, {axis_text(c)})"


@RULES.add(Nll)
def nll(c: OpContext) -> str:
    x, target = c.args
    axis = axis_text(c)
    return f"-jnp.take_along_axis({x}, jnp.expand_dims({target}, {axis}), {axis}).mean()"
