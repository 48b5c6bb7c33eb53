"""Regularisers in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc_keras.layers import plain
from dslc_keras.rules import RULES
from dslc_keras.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Dropout)
def dropout(c: FunctionContext) -> str:
    if c.is_seeded:
        return seeded(c, "SeededDropout", c.attribute("rate"))
    return plain(c, "layers.Dropout", c.attribute("rate"))


@RULES.add(SpatialDropout)
def spatial_dropout(c: FunctionContext) -> str:
    if c.is_seeded:
        rank = c.types[0].rank
        shared = tuple(range(1, rank - 1) if c.first.layout == "last" else range(2, rank))
        return seeded(c, "SeededDropout", c.attribute("rate"), str(shared))
    if c.first.layout != "last":
        return plain(c, c.helper("DropRows"), c.attribute("rate"), "kept=2")
    return plain(c, f"layers.SpatialDropout{c.types[0].rank - 2}D", c.attribute("rate"))


@RULES.add(DropPath)
def drop_path(c: FunctionContext) -> str:
    if c.is_seeded:
        shared = tuple(range(1, c.types[0].rank))
        return seeded(c, "SeededDropout", c.attribute("rate"), str(shared))
    return plain(c, c.helper("DropRows"), c.attribute("rate"))


@RULES.add(GaussianNoise)
def gaussian_noise(c: FunctionContext) -> str:
    if c.is_seeded:
        return seeded(c, "SeededNoise", c.attribute("std"))
    return plain(c, "layers.GaussianNoise", c.attribute("std"))
