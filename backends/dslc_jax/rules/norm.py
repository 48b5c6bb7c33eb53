"""Normalisations in JAX."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dslc.ops.norm import BatchNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc_jax.partials import constructor
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(BatchNorm)
def batch_norm(c: OpContext) -> str:
    fixed = f"momentum={momentum(c)}, epsilon={c.attribute('eps')}, use_fast_variance=False"
    make, options = constructor(c, c.helper("BatchNorm"), ("momentum", "eps"), fixed)
    options += "" if c.op.values["affine"] else ", use_bias=False, use_scale=False"
    layer = c.layer(f"{make}({c.size(c.types[0].shape[1])}{options}, rngs=rngs)")
    return f"{layer}({c.x})"


def momentum(c: OpContext) -> str:
    """The weight of the old statistic, which is what Flax calls momentum."""
    if c.is_constant("momentum"):
        return str(1 - Decimal(repr(c.op.values["momentum"])))
    return f"1 - {c.attribute('momentum')}"


@RULES.add(InstanceNorm)
def instance_norm(c: OpContext) -> str:
    if not c.op.values["affine"]:  # the layer would ask for a size that it does not use
        return f"{c.helper('normalize_instances')}({c.x}{c.option('eps', 1e-5, run=True)})"
    fixed = f"epsilon={c.attribute('eps')}, use_fast_variance=False"
    make, options = constructor(c, "nnx.InstanceNorm", ("eps",), fixed)
    layer = c.layer(f"{make}({c.size(c.types[0].shape[1])}{options}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(LayerNorm)
def layer_norm(c: OpContext) -> str:
    fixed = f"epsilon={c.attribute('eps')}, use_fast_variance=False"
    make, options = constructor(c, "nnx.LayerNorm", ("eps",), fixed)
    options += "" if c.op.values["bias"] else ", use_bias=False"
    layer = c.layer(f"{make}({c.size(c.types[0].shape[-1])}{options}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(RmsNorm)
def rms_norm(c: OpContext) -> str:
    width = c.size(c.types[0].shape[-1])
    layer = c.layer(f"nnx.RMSNorm({width}, epsilon={c.attribute('eps')}, rngs=rngs)")
    return f"{layer}({c.x})"
