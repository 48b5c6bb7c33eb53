"""Regularisers in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    return f"layers.Dropout({c.attribute('rate')})({c.x})"


@RULES.add(DropPath)
def drop_path(c: OpContext) -> str:
    rest = ", 1" * (c.types[0].rank - 1) or ","
    return f"layers.Dropout({c.attribute('rate')}, noise_shape=(None{rest}))({c.x})"
