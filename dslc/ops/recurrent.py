"""Recurrent layers."""

from __future__ import annotations

from dslc.ops.attributes import Size
from dslc.ops.base import Check, Op, Weight
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Lstm(Op):
    """A long short-term memory over the time axis, from zero states.

    Gates in PyTorch's order i, f, g, o; one bias is trained (`bias_ih_l0`; `bias_hh_l0` is in the
    file as zeros and is never trained). Outputs: `sequence` `[N, T, hidden]`, `last` `[N, hidden]`
    (the last hidden state) and `state` `[N, hidden]` (the last cell state).
    Shape: `[N, T, D]`. Source: ONNX LSTM; `torch.nn.LSTM`; Hochreiter and Schmidhuber 1997.
    """

    family = "recurrent"
    primary = "hidden"
    outputs = ("sequence", "last", "state")
    hidden = Size(minimum=1, doc="the size of the hidden and of the cell state")

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        (x,) = types
        need_rank("lstm", x, 3, "[N, T, D]")
        batch, time, _ = x.shape
        last = x.with_shape(batch, self.hidden)
        return x.with_shape(batch, time, self.hidden), last, last

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        rows = 4 * self.hidden
        bound = self.hidden**-0.5 if isinstance(self.hidden, int) else 1.0
        uniform = ("uniform", ("bound", bound))
        return (
            Weight("weight_ih_l0", (rows, types[0].shape[2]), uniform),
            Weight("weight_hh_l0", (rows, self.hidden), uniform),
            Weight("bias_ih_l0", (rows,), uniform),
            Weight("bias_hh_l0", (rows,), ("zeros",), "zeros"),
        )

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        rows = 8 * self.hidden * (types[0].shape[2] + self.hidden) + 34 * self.hidden
        return types[0].shape[0] * types[0].shape[1] * rows
