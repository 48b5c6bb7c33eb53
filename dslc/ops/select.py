"""Values picked, counted and made: by ids, by conditions, along axes; constants."""

from __future__ import annotations

from dslc.ir.types import TensorType
from dslc.ops.attributes import Axis, Boolean, Integer, Maybe, Number, Shape, Size, Sizes, Word
from dslc.ops.base import Check, Input, Op, OpError
from dslc.ops.bases import Elementwise
from dslc.ops.shapes import broadcast, need_rank, resolve_axis, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike


class Gather(Op):
    """Takes the places that ids name along an axis, after `batch` axes that both share.

    Shape: `x`, `ids` → `x.shape[:axis] + ids.shape[batch:] + x.shape[axis + 1:]`. Ids must lie in
    `0 … size - 1`. Source: ONNX Gather and GatherND.
    """

    family = "tensor"
    primary = "axis"
    inputs = (Input("x", "any"), Input("ids", "integer"))
    axis = Axis(0, doc="the axis of `x` whose places are named")
    batch = Integer(0, minimum=0, doc="how many first axes `x` and `ids` share")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x, ids = types
        axis = resolve_axis(self.axis, x.rank)
        if self.batch > min(axis, ids.rank):
            message = f"`batch` counts axes before `axis`, and {self.batch} are not there"
            raise OpError("E0504", message, attribute="batch")
        shared = zip(x.shape[: self.batch], ids.shape[: self.batch], strict=True)
        for k, (left, right) in enumerate(shared):
            message = f"`gather` shares axis {k}, which is {left} and {right}"
            check.require("==", left, right, message, code="E0304", input=1, axis=k)
        return x.with_shape(*x.shape[:axis], *ids.shape[self.batch :], *x.shape[axis + 1 :])

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        x, _ = types
        return None, x.shape[resolve_axis(self.axis, x.rank)]

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class OneHot(Op):
    """1 at the place that an id names, 0 at the others, on a new last axis.

    Shape: `[…]` of integers → `f32[…, classes]`. Source: ONNX OneHot.
    """

    takes_empty = True
    family = "tensor"
    primary = "classes"
    inputs = (Input("ids", "integer"),)
    classes = Size(minimum=1, doc="the size of the new axis")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return TensorType("f32", (*types[0].shape, self.classes))

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        return (self.classes,)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class Where(Op):
    """`x` where a condition holds, else `y`, shapes broadcast. Source: ONNX Where."""

    takes_empty = True
    family = "tensor"
    inputs = (Input("condition", "bool"), Input("x", "any"), Input("y", "any"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        dtype = same_dtype(self.name, types[1:])
        return TensorType(dtype, broadcast(check, self.name, [value.shape for value in types]))


class Argmax(Op):
    """The place of the greatest along an axis, the first of equals, as i64. Source: ONNX ArgMax."""

    takes_empty = True
    family = "tensor"
    layout = "axes"
    primary = "axis"
    axis = Axis(-1, doc="the axis along which places are compared")
    keep = Boolean(False, doc="whether the axis stays, with size 1")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        axis = resolve_axis(self.axis, x.rank)
        check.require_some(self, x, (axis,))
        kept = (1,) if self.keep else ()
        return TensorType("i64", (*x.shape[:axis], *kept, *x.shape[axis + 1 :]))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return types[0].elements


class Cumsum(Op):
    """The sum of all places up to each one along an axis. Source: ONNX CumSum."""

    takes_empty = True
    family = "tensor"
    layout = "axes"
    primary = "axis"
    axis = Axis(-1, doc="the axis along which it adds up")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        resolve_axis(self.axis, types[0].rank)
        return types[0]


class Range(Op):
    """The integers from `start` up to, not including, `stop`, as i64[(stop - start + step - 1) // step].

    Source: ONNX Range; `torch.arange`.
    """

    family = "tensor"
    primary = "stop"
    inputs = ()
    start = Size(0, minimum=0, doc="the first integer")
    stop = Size(minimum=1, doc="the integer that is no longer there")
    step = Integer(1, minimum=1, doc="the distance between integers")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        message = "the range is empty: `start` must be below `stop`"
        check.require("<", self.start, self.stop, message, code="E0308", attribute="stop")
        return TensorType("i64", ((self.stop - self.start + self.step - 1) // self.step,))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class Constant(Op):
    """One number in every place of a shape. Source: ONNX ConstantOfShape; `torch.full`."""

    family = "tensor"
    primary = "value"
    inputs = ()
    value = Number(doc="the number")
    shape = Shape((), minimum=1, doc="the shape; a scalar by default")
    dtype = Word("f32", words=("f32", "i32", "i64"), doc="the dtype")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        if self.dtype != "f32" and not self.value.is_integer():
            message = f"`value` takes an integer for {self.dtype}, not `{self.value:g}`"
            raise OpError("E0504", message, attribute="value")
        return TensorType(self.dtype, tuple(self.shape))

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class Identity(Elementwise):
    """The value itself. Source: ONNX Identity."""

    family = "tensor"
    cost = 0
    inputs = (Input("x", "any"),)


class StopGradient(Elementwise):
    """The value itself, through which no gradient passes. Source: `jax.lax.stop_gradient`."""

    family = "tensor"
    passes_gradient = False
    cost = 0
    inputs = (Input("x", "any"),)


class Resize(Op):
    """An image in another size, without antialiasing.

    `nearest` takes the element at `floor(place * before / after)`; `bilinear` blends the four around
    the place whose centre is meant (half pixels, edges repeated), `bicubic` the sixteen, with
    `a = -0.75`. Shape: `[N, C, H, W]` → `[N, C, *size]`, or `[N, C, H * scale, W * scale]`.
    Source: ONNX Resize (`asymmetric` and `floor`, or `half_pixel`);
    `torch.nn.functional.interpolate`; Keys 1981.
    """

    family = "tensor"
    layout = "channels"
    primary = "scale"
    scale = Maybe(Sizes(2, minimum=1, doc="the integers by which height and width are multiplied"))
    size = Maybe(Sizes(2, minimum=1, doc="the height and width after it"))
    mode = Word("nearest", words=("nearest", "bilinear", "bicubic"), doc="how elements are found")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        need_rank(self.name, x, 4, "[N, C, H, W]")
        if (self.scale is None) == (self.size is None):
            raise OpError("E0503", "`resize` takes either `scale` or `size`")
        if self.size is not None:
            return x.with_shape(*x.shape[:2], *self.size)
        high, wide = self.scale
        return x.with_shape(*x.shape[:2], x.shape[2] * high, x.shape[3] * wide)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return {"nearest": 0, "bilinear": 7, "bicubic": 35}[self.mode] * outputs[0].elements
