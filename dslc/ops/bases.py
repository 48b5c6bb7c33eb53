"""What ops of several families have in common: one value or several by element, reductions."""

from __future__ import annotations

from dslc.ops.attributes import Axes, Boolean, Maybe
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.shapes import broadcast, resolve_axis, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Elementwise(Op):
    """A function of each element; the type stays."""

    takes_empty = True
    layout = "elementwise"
    cost: ClassVar[int] = 1

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return types[0]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return self.cost * outputs[0].elements


class Broadcasting(Op):
    """A function of several values element by element, shapes broadcast, one dtype."""

    takes_empty = True
    layout = "elementwise"
    inputs = (Input("inputs", "number", variadic=True),)

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        dtype = same_dtype(self.name, types)
        shape = broadcast(check, self.name, [value.shape for value in types])
        return types[0].with_dtype(dtype).with_shape(*shape)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return (len(types) - 1) * outputs[0].elements


class Reduce(Op):
    """A reduction over axes; `of_nothing` says whether it has a value where there is none."""

    takes_empty = True
    layout = "axes"
    primary = "axis"
    of_nothing: ClassVar[bool] = False
    axis = Maybe(Axes(doc="the axes that are reduced; all by default"))
    keep = Boolean(False, doc="whether reduced axes stay, with size 1")

    def axes(self, rank: int) -> tuple[int, ...]:
        """The reduced axes counted from 0, in order."""
        if self.axis is None:
            return tuple(range(rank))
        found = tuple(sorted(resolve_axis(axis, rank) for axis in self.axis))
        if len(set(found)) < len(found):
            raise OpError("E0507", "`axis` names an axis twice", attribute="axis")
        return found

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        reduced = self.axes(x.rank)
        if not self.of_nothing:
            check.require_some(self, x, reduced)
        kept = [(1 if k in reduced else dim, k in reduced) for k, dim in enumerate(x.shape)]
        return x.with_shape(*(dim for dim, gone in kept if self.keep or not gone))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements
