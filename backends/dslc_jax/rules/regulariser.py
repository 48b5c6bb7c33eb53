"""Regularisers in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    layer = c.shared_layer(f"nnx.Dropout({c.attribute('rate')}, rngs=rngs)")
    return f"{layer}({c.x})"
