"""Losses over a few of many classes in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.sampled import NegativeSampling, SampledSoftmax
from dslc_keras.layers import ids
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(NegativeSampling, SampledSoftmax)
def sampled(c: OpContext) -> str:
    texts = [*c.args[:2], ids(c, 2), ids(c, 3)]
    return f"{c.helper(c.op.name)}({', '.join(texts)})"
