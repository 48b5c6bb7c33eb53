"""Regularisers in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
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
    options = f"{c.attribute('rate')}, broadcast_dims={shared}, rngs=rngs"
    return f"{c.shared_layer(f'nnx.Dropout({options})')}({c.x})"


@RULES.add(GaussianNoise)
def gaussian_noise(c: OpContext) -> str:
    made = f"{c.helper('GaussianNoise')}({c.attribute('std')}, rngs=rngs)"
    return f"{c.shared_layer(made)}({c.x})"
