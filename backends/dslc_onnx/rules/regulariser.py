"""Regularisers, which do nothing when a model is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc_onnx.rules import RULES

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Dropout, SpatialDropout, DropPath, GaussianNoise)
def nothing(at: Lowering[Any]) -> Result:
    """The value itself."""
    return at.operand()
