"""Regularisers: what acts in training alone."""

from __future__ import annotations

from dslc.ops.attributes import Number
from dslc.ops.base import Check, Op, OpError
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


class DropPath(Op):
    """In training zeroes a row as a whole with probability `rate` and scales the rest by `1/(1-rate)`.

    It ends the main path of a residual, which a row then passes by. Rows are those of axis 0.
    Shape: unchanged. Source: ONNX Dropout of a mask; Huang et al. 2016 (stochastic depth).
    """

    family = "regulariser"
    primary = "rate"
    chance = ("rate",)
    layout = "elementwise"
    rate = Number(minimum=0, below=1, doc="the share of rows that are zeroed")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank == 0:
            raise OpError("E0303", f"`{self.name}` drops rows, and a scalar has none", input=0)
        return x

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0
