"""Positions for attention in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.position import RelativePositionBias, SinusoidalPosition
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(SinusoidalPosition)
def sinusoidal_position(c: OpContext) -> str:
    options = c.option("base", 10000.0, run=True)
    options += "" if c.op.values["order"] == "interleaved" else ", interleaved=False"
    return f"{c.helper('sinusoidal_position')}({c.x}, {c.run_attribute('dim')}{options})"


@RULES.add(RelativePositionBias)
def relative_position_bias(c: OpContext) -> str:
    window = "".join(f"{size}, " for size in c.shape_texts("window"))
    layer = f"{c.helper('RelativePositionBias')}(({window}), {c.attribute('heads')})"
    return f"{c.layer(layer)}()"
