"""Images sampled at places in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.sampling import AffineGrid, GridSample
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(AffineGrid)
def affine_grid(c: OpContext) -> str:
    high, wide = (c.size(size) for size in c.op.values["size"])
    return f"{c.helper('affine_grid')}({c.x}, {high}, {wide})"


@RULES.add(GridSample)
def grid_sample(c: OpContext) -> str:
    border = "" if c.op.values["padding"] == "zeros" else "border=True"
    return f"{c.helper('GridSample')}({border})({', '.join(c.args)})"
