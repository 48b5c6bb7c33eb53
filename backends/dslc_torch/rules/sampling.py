"""Images sampled at places in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.sampling import AffineGrid, GridSample
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(AffineGrid)
def affine_grid(c: OpContext) -> str:
    high, wide = (c.run_size(size) for size in c.op.values["size"])
    theta = c.variable()
    return f"F.affine_grid({theta}, (len({theta}), 1, {high}, {wide}), align_corners=False)"


@RULES.add(GridSample)
def grid_sample(c: OpContext) -> str:
    values = c.op.values
    options = "" if values["mode"] == "bilinear" else f', mode="{values["mode"]}"'
    if values["padding"] != "zeros":
        options += f', padding_mode="{values["padding"]}"'
    options += f", align_corners={c.run_attribute('align_corners')}"
    return f"F.grid_sample({', '.join(c.args)}{options})"
