"""Regularisers: what acts in training alone."""

from __future__ import annotations

from dslc.ops.attributes import Number
from dslc.ops.base import Check, Op
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Dropout(Op):
    """In training zeroes each element with probability `rate` and scales the rest by `1/(1-rate)`.

    Shape: unchanged. Source: ONNX Dropout; Srivastava et al. 2014.
    """

    takes_empty = True
    family = "regulariser"
    primary = "rate"
    chance = ("rate",)
    layout = "elementwise"
    rate = Number(0.5, minimum=0, below=1, doc="the share of elements that are zeroed")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return types[0]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0
