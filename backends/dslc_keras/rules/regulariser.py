"""Regularisers in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    return f"layers.Dropout({c.attribute('rate')})({c.x})"


@RULES.add(SpatialDropout)
def spatial_dropout(c: OpContext) -> str:
    if c.first.layout != "last":
        return f"{c.helper('DropRows')}({c.attribute('rate')}, kept=2)({c.x})"
    return f"layers.SpatialDropout{c.types[0].rank - 2}D({c.attribute('rate')})({c.x})"


@RULES.add(DropPath)
def drop_path(c: OpContext) -> str:
    return f"{c.helper('DropRows')}({c.attribute('rate')})({c.x})"


@RULES.add(GaussianNoise)
def gaussian_noise(c: OpContext) -> str:
    return f"layers.GaussianNoise({c.attribute('std')})({c.x})"
