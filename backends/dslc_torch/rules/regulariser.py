"""Regularisers in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc_torch.rules import RULES
from dslc_torch.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededDropout', c.attribute('rate'))}({c.x})"
    return f"F.dropout({c.x}, {c.run_attribute('rate')}, self.training)"


@RULES.add(SpatialDropout)
def spatial_dropout(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededDropout', c.attribute('rate'), 'kept=2')}({c.x})"
    rank = c.types[0].rank - 2
    return f"F.dropout{rank}d({c.x}, {c.run_attribute('rate')}, self.training)"


@RULES.add(DropPath)
def drop_path(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededDropout', c.attribute('rate'), 'kept=1')}({c.x})"
    return f"{c.helper('drop_path')}({c.x}, {c.run_attribute('rate')}, self.training)"


@RULES.add(GaussianNoise)
def gaussian_noise(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededNoise', c.attribute('std'))}({c.x})"
    return f"{c.helper('gaussian_noise')}({c.x}, {c.run_attribute('std')}, self.training)"
