"""Losses over a few of many classes in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.sampled import NegativeSampling, SampledSoftmax
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(NegativeSampling, SampledSoftmax)
def sampled(c: OpContext) -> str:
    return f"{c.helper(c.op.name)}({', '.join(c.args)})"
