"""Positions for attention: sines of them, and learned distances in a window."""

from __future__ import annotations

from math import prod

from dslc.ir.types import TensorType
from dslc.ops.attributes import Number, Shape, Size, Word
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike


class SinusoidalPosition(Op):
    """Sines and cosines of positions, at `dim // 2` frequencies from 1 down towards `1 / base`.

    Pair k has the frequency `base ** (-2 * k / dim)`; `interleaved` puts each sine before its cosine,
    `halves` all sines before all cosines. Shape: `[…]` of integers → `f32[…, dim]`.
    Source: ONNX Sin and Cos; Vaswani et al. 2017.
    """

    family = "attention"
    primary = "dim"
    inputs = (Input("positions", "integer"),)
    dim = Size(minimum=2, doc="the size of the new last axis; even")
    base = Number(10000.0, minimum=1, doc="how far apart the frequencies are")
    order = Word("interleaved", words=("interleaved", "halves"), doc="how sines and cosines lie")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        message = f"`dim` is even, and {self.dim} is not"
        check.require("==", self.dim % 2, 0, message, attribute="dim")
        return TensorType("f32", (*types[0].shape, self.dim))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 3 * outputs[0].elements


class RelativePositionBias(Op):
    """A learned number for each head and each way from one place of a window to another.

    It is added to attention scores; the places of a window of two axes are in row-major order.
    Weights: `weight`, `[(2 * h - 1) * (2 * w - 1), heads]` for a window `[h, w]`, the row of the way
    (y, x) being `(y + h - 1) * (2 * w - 1) + x + w - 1`. Shape: `f32[heads, h * w, h * w]`.
    Source: ONNX Gather; Shaw et al. 2018; Liu et al. 2021.
    """

    family = "attention"
    primary = "window"
    inputs = ()
    window = Shape(minimum=1, doc="the sizes of the window: one, or two")
    heads = Size(minimum=1, doc="the number of heads")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if len(self.window) not in (1, 2):
            message = f"`window` takes one size or two, not {len(self.window)}"
            raise OpError("E0504", message, attribute="window")
        places = prod(self.window)
        return TensorType("f32", (self.heads, places, places))

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        ways = prod(2 * size - 1 for size in self.window)
        return (Weight("weight", (ways, self.heads), ("truncated_normal", ("std", 0.02))),)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0
