"""Regularisers in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc_jax.rules import RULES
from dslc_jax.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededDropout', c.attribute('rate'))}({c.x})"
    layer = c.shared_layer(f"nnx.Dropout({c.attribute('rate')}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(SpatialDropout, DropPath)
def whole_parts(c: OpContext) -> str:
    """Dropout whose mask is one number for each channel, or for each row."""
    rank = c.types[0].rank
    if isinstance(c.op, DropPath):
        shared = tuple(range(1, rank))
    else:
        shared = tuple(k for k in range(1, rank) if k != c.axis(1))
    if c.is_seeded:
        layer = seeded(c, "SeededDropout", c.attribute("rate"), f"broadcast_dims={shared}")
        return f"{layer}({c.x})"
    options = f"{c.attribute('rate')}, broadcast_dims={shared}, rngs=rngs"
    return f"{c.shared_layer(f'nnx.Dropout({options})')}({c.x})"


@RULES.add(GaussianNoise)
def gaussian_noise(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededNoise', c.attribute('std'))}({c.x})"
    made = f"{c.helper('GaussianNoise')}({c.attribute('std')}, rngs=rngs)"
    return f"{c.shared_layer(made)}({c.x})"
