"""Activations that gate one part of a value by another, and the largest of several."""

from __future__ import annotations

from dslc.ops.attributes import Axis, Integer, Word
from dslc.ops.base import Check, Op, OpError
from dslc.ops.shapes import resolve_axis
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Gated(Op):
    """The last axis in two halves, one of which gates the other."""

    takes_empty = True
    layout = "axes"
    cost: ClassVar[int] = 5

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank == 0:
            raise OpError("E0303", f"`{self.name}` halves an axis, and a scalar has none", input=0)
        message = f"`{self.name}` halves the last axis, and {x.shape[-1]} is odd"
        check.require("==", x.shape[-1] % 2, 0, message, code="E0307", input=0, axis=x.rank - 1)
        return x.with_shape(*x.shape[:-1], x.shape[-1] // 2)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return self.cost * outputs[0].elements


class Glu(_Gated):
    """`a * sigmoid(b)` of the halves a and b of the last axis.

    Shape: `[…, 2 * D]` → `[…, D]`. Source: `torch.nn.functional.glu`; Dauphin et al. 2016.
    """

    family = "activation"


class Swiglu(_Gated):
    """`silu(a) * b` of the halves a and b of the last axis.

    Shape: `[…, 2 * D]` → `[…, D]`. Source: Shazeer 2020.
    """

    family = "activation"
    cost = 6


class Geglu(_Gated):
    """`gelu(a) * b` of the halves a and b of the last axis.

    Shape: `[…, 2 * D]` → `[…, D]`. Source: Shazeer 2020.
    """

    family = "activation"
    primary = "approximate"
    cost = 9
    approximate = Word("none", words=("none", "tanh"), doc="`none` is exact (erf)")


class Maxout(Op):
    """The largest of every `pieces` neighbours along an axis.

    Shape: `[N, C, …]` → `[N, C // pieces, …]`. Source: Goodfellow et al. 2013.
    """

    family = "activation"
    layout = "axes"
    primary = "pieces"
    pieces = Integer(minimum=2, doc="how many neighbours compete; they divide the axis")
    axis = Axis(1, doc="the axis that shrinks")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        axis = resolve_axis(self.axis, x.rank)
        size = x.shape[axis]
        message = f"`pieces` must divide axis {axis}, {size}, and {self.pieces} does not"
        check.require("==", size % self.pieces, 0, message, code="E0307", attribute="pieces")
        return x.with_shape(*x.shape[:axis], size // self.pieces, *x.shape[axis + 1 :])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements
