"""Regularisers in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    layer = c.shared_layer(f"nnx.Dropout({c.attribute('rate')}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(DropPath)
def drop_path(c: OpContext) -> str:
    axes = ", ".join(str(axis) for axis in range(1, c.types[0].rank))
    shared = f", broadcast_dims=({axes},)" if c.types[0].rank == 2 else f", broadcast_dims=({axes})"
    shared = "" if c.types[0].rank == 1 else shared
    layer = c.shared_layer(f"nnx.Dropout({c.attribute('rate')}{shared}, rngs=rngs)")
    return f"{layer}({c.x})"
