"""Regularisers in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    return f"F.dropout({c.x}, {c.run_attribute('rate')}, self.training)"


@RULES.add(SpatialDropout)
def spatial_dropout(c: OpContext) -> str:
    rank = c.types[0].rank - 2
    return f"F.dropout{rank}d({c.x}, {c.run_attribute('rate')}, self.training)"


@RULES.add(DropPath)
def drop_path(c: OpContext) -> str:
    return f"{c.helper('drop_path')}({c.x}, {c.run_attribute('rate')}, self.training)"


@RULES.add(GaussianNoise)
def gaussian_noise(c: OpContext) -> str:
    return f"{c.helper('gaussian_noise')}({c.x}, {c.run_attribute('std')}, self.training)"
