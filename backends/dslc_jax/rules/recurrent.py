"""Recurrent layers in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.recurrent import Lstm
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Lstm)
def lstm(c: OpContext) -> dict[str, str]:
    width = c.size(c.types[0].shape[2])
    layer = c.layer(f"{c.helper('LSTM')}({width}, {c.attribute('hidden')}, rngs=rngs)")
    return c.unpack(f"{layer}({c.x})", ("sequence", "last", "state"))
