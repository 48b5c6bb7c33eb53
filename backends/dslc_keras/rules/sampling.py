"""Images sampled at places in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.sampling import AffineGrid, GridSample
from dslc_keras.layers import plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(AffineGrid)
def affine_grid(c: OpContext) -> str:
    high, wide = (c.size(size) for size in c.op.values["size"])
    return f"{c.helper('affine_grid')}({c.x}, {high}, {wide})"


@RULES.add(GridSample)
def grid_sample(c: OpContext) -> str:
    values = c.op.values
    options = [] if values["padding"] == "zeros" else [f'padding="{values["padding"]}"']
    options += ["nearest=True"] if values["mode"] == "nearest" else []
    options += [f"align_corners={c.attribute('align_corners')}"] * values["align_corners"]
    return plain(c, c.helper("GridSample"), *options, call=", ".join(c.args))
