"""Normalisations in JAX."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dslc.ops.norm import BatchNorm, LayerNorm, RmsNorm
from dslc.syntax.expressions import Literal
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(BatchNorm)
def batch_norm(c: OpContext) -> str:
    options = f", momentum={momentum(c)}" if c.op.values["momentum"] != 0.1 else ""
    options += f", epsilon={c.attribute('eps')}" if c.op.values["eps"] != 1e-5 else ""
    options += "" if c.op.values["affine"] else ", affine=False"
    name = c.helper("BatchNorm")
    layer = c.layer(f"{name}({c.size(c.types[0].shape[1])}{options}, rngs=rngs)")
    return f"{layer}({c.x})"


def momentum(c: OpContext) -> str:
    """The weight of the old statistic, which is what Flax calls momentum."""
    if isinstance(c.written("momentum"), Literal):
        return str(1 - Decimal(repr(c.op.values["momentum"])))
    return f"1 - {c.attribute('momentum')}"


@RULES.add(LayerNorm)
def layer_norm(c: OpContext) -> str:
    options = f"epsilon={c.attribute('eps')}, use_fast_variance=False"
    options += "" if c.op.values["bias"] else ", use_bias=False"
    layer = c.layer(f"nnx.LayerNorm({c.size(c.types[0].shape[-1])}, {options}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(RmsNorm)
def rms_norm(c: OpContext) -> str:
    width = c.size(c.types[0].shape[-1])
    layer = c.layer(f"nnx.RMSNorm({width}, epsilon={c.attribute('eps')}, rngs=rngs)")
    return f"{layer}({c.x})"
