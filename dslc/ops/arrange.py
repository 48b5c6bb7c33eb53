"""Values put into other shapes and orders: axes added and dropped, padded, repeated, turned."""

from __future__ import annotations

from dslc.ops.attributes import Axes, Axis, Integer, Maybe, Number, Shape, Size, Word
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.shapes import broadcast, need_rank, resolve_axis, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class _Free(Op):
    """An op that moves data and computes nothing."""

    takes_empty = True
    inputs = (Input("x", "any"),)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


def resolve_axes(axes: Sequence[int], rank: int) -> tuple[int, ...]:
    """Several axes counted from 0, in order; raises where one comes twice."""
    found = tuple(sorted(resolve_axis(axis, rank) for axis in axes))
    if len(set(found)) < len(found):
        raise OpError("E0507", "`axis` names an axis twice", attribute="axis")
    return found


class Squeeze(_Free):
    """Drops axes of size 1. Source: ONNX Squeeze."""

    family = "tensor"
    primary = "axis"
    axis = Axes(doc="the axes that go; each has size 1")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        axes = resolve_axes(self.axis, x.rank)
        for axis in axes:
            message = f"`squeeze` drops axes of size 1, and axis {axis} is {x.shape[axis]}"
            check.require("==", x.shape[axis], 1, message, code="E0307", attribute="axis")
        return x.with_shape(*(dim for k, dim in enumerate(x.shape) if k not in axes))


class Unsqueeze(_Free):
    """Adds axes of size 1, counted in the result. Source: ONNX Unsqueeze."""

    family = "tensor"
    primary = "axis"
    axis = Axes(doc="where the new axes stand in the result")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        rank = x.rank + len(self.axis)
        axes = resolve_axes(self.axis, rank)
        rest = iter(x.shape)
        return x.with_shape(*(1 if k in axes else next(rest) for k in range(rank)))


class Stack(_Free):
    """Joins values of one shape along a new axis. Source: ONNX Unsqueeze and Concat."""

    family = "tensor"
    primary = "axis"
    inputs = (Input("inputs", "any", variadic=True),)
    axis = Axis(0, doc="where the new axis stands in the result")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        first = types[0]
        dtype = same_dtype("stack", types)
        for position, value in enumerate(types[1:], 1):
            if value.rank != first.rank:
                message = f"`stack` needs equal shapes, not {first} and {value}"
                raise OpError("E0304", message, input=position)
            for k, (left, right) in enumerate(zip(first.shape, value.shape, strict=True)):
                message = f"`stack` needs equal shapes: axis {k} is {right}, not {left}"
                check.require("==", left, right, message, code="E0304", input=position, axis=k)
        axis = resolve_axis(self.axis, first.rank + 1)
        shape = (*first.shape[:axis], len(types), *first.shape[axis:])
        return first.with_dtype(dtype).with_shape(*shape)


class Pad(_Free):
    """Adds elements before and after every axis.

    `mode` says which: `constant` the `value`, `reflect` the mirror image without the edge, `edge`
    the edge again and again. Source: ONNX Pad.
    """

    family = "tensor"
    inputs = (Input("x", "number"),)
    before = Shape(minimum=0, doc="how many elements before each axis")
    after = Maybe(Shape(minimum=0, doc="how many after each axis; as many as before by default"))
    mode = Word("constant", words=("constant", "reflect", "edge"), doc="what is added")
    value = Number(0.0, doc="the constant that is added")

    def sides(self) -> list[tuple[DimLike, DimLike]]:
        """What is added before and after each axis."""
        after = self.before if self.after is None else self.after
        return list(zip(self.before, after, strict=True))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        for name in ("before", "after"):
            given = self.values[name]
            if given is not None and len(given) != x.rank:
                message = f"`{name}` has {len(given)} sizes for the {x.rank} axes of {x}"
                raise OpError("E0507", message, attribute=name)
        for axis, (size, sides) in enumerate(zip(x.shape, self.sides(), strict=True)):
            if self.mode == "edge" and any(count != 0 for count in sides):
                check.require_some(self, x, [axis])
            for name, count in zip(("before", "after"), sides, strict=True):
                if self.mode == "reflect":
                    message = f"a mirror image of {size} has fewer than {count} elements"
                    check.require("<", count, size, message, code="E0308", attribute=name)
        return x.with_shape(*(b + n + a for n, (b, a) in zip(x.shape, self.sides(), strict=True)))


class Expand(_Free):
    """Repeats axes of size 1, or adds axes in front, until the value has a shape.

    Source: ONNX Expand; `torch.Tensor.expand`.
    """

    family = "tensor"
    primary = "shape"
    shape = Shape(minimum=1, doc="the shape after it")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if len(self.shape) < x.rank:
            message = f"`shape` has {len(self.shape)} sizes, and {x} has {x.rank} axes already"
            raise OpError("E0507", message, attribute="shape")
        found = broadcast(check, "expand", [x.shape, tuple(self.shape)])
        for axis, (dim, stated) in enumerate(zip(found, self.shape, strict=True)):
            message = f"`expand` repeats axes of size 1 only: axis {axis} is {dim}, not {stated}"
            check.require("==", dim, stated, message, code="E0304", attribute="shape")
        return x.with_shape(*self.shape)


class Tile(_Free):
    """Repeats the whole value along every axis. Source: ONNX Tile."""

    family = "tensor"
    primary = "repeats"
    repeats = Shape(minimum=1, doc="how often it is repeated along each axis")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if len(self.repeats) != x.rank:
            message = f"`repeats` has {len(self.repeats)} numbers for the {x.rank} axes of {x}"
            raise OpError("E0507", message, attribute="repeats")
        return x.with_shape(*(n * k for n, k in zip(x.shape, self.repeats, strict=True)))


class Flip(_Free):
    """Turns axes around. Source: ONNX Slice with step -1; `torch.flip`."""

    family = "tensor"
    primary = "axis"
    axis = Axes(doc="the axes that are turned around")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        resolve_axes(self.axis, types[0].rank)
        return types[0]


class Roll(_Free):
    """Moves elements along an axis; those that leave at one end come in at the other.

    Source: ONNX Slice and Concat; `torch.roll`.
    """

    family = "tensor"
    primary = "shift"
    shift = Integer(doc="by how many places; at most as many as there are")
    axis = Axis(-1, doc="the axis along which they move")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        size = x.shape[resolve_axis(self.axis, x.rank)]
        message = f"`shift` is at most the size of the axis, {size}"
        check.require("<=", abs(self.shift), size, message, code="E0308", attribute="shift")
        return x


class _Triangle(_Free):
    """One side of a diagonal of the last two axes; zeros stand on the other."""

    primary = "diagonal"
    inputs = (Input("x", "number"),)
    diagonal = Integer(0, doc="the diagonal: 0 the main one, above it positive")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if types[0].rank < 2:
            message = f"`{self.name}` takes matrices, and {types[0]} has fewer than two axes"
            raise OpError("E0303", message, input=0)
        return types[0]


class Tril(_Triangle):
    """The last two axes up to a diagonal, zeros above. Source: ONNX Trilu."""

    family = "tensor"


class Triu(_Triangle):
    """The last two axes from a diagonal on, zeros below. Source: ONNX Trilu."""

    family = "tensor"


class PixelShuffle(_Free):
    """Channels put side by side: channel `c * r * r + i * r + j` is row i, column j of each block.

    Shape: `[N, C * r * r, H, W]` → `[N, C, H * r, W * r]`. Source: ONNX DepthToSpace (CRD);
    `torch.nn.PixelShuffle`; Shi et al. 2016.
    """

    takes_empty = False
    family = "tensor"
    layout = "channels"
    primary = "factor"
    factor = Size(minimum=1, doc="the factor of height and width")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, 4, "[N, C, H, W]")
        square = self.factor * self.factor
        message = f"`factor` squared, {square}, must divide the {x.shape[1]} channels"
        check.require("==", x.shape[1] % square, 0, message, code="E0307", attribute="factor")
        n, c, h, w = x.shape
        return x.with_shape(n, c // square, h * self.factor, w * self.factor)


class SpaceToDepth(_Free):
    """Blocks of an image as channels: row i, column j of channel c is `(i * r + j) * C + c`.

    Shape: `[N, C, H * r, W * r]` → `[N, C * r * r, H, W]`. Source: ONNX SpaceToDepth (not the order
    of `torch.nn.PixelUnshuffle`).
    """

    takes_empty = False
    family = "tensor"
    layout = "channels"
    primary = "factor"
    factor = Size(minimum=1, doc="the divisor of height and width")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, 4, "[N, C, H, W]")
        n, c, h, w = x.shape
        for axis, size in ((2, h), (3, w)):
            message = f"`factor` must divide axis {axis}, {size}, and {self.factor} does not"
            check.require("==", size % self.factor, 0, message, code="E0307", attribute="factor")
        factor = self.factor
        return x.with_shape(n, c * factor * factor, h // factor, w // factor)
