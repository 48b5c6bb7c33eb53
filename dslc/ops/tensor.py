"""Shapes and places: reshape, transpose, split, slice, concat, cast, learned tensors."""

from __future__ import annotations

from dslc.ir.types import TensorType
from dslc.ops.attributes import Axes, Axis, Boolean, Integer, Maybe, Shape, Size, Word
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.shapes import count_axes, product, resolve_axis, same_dtype
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike


class _Free(Op):
    """An op that moves data and computes nothing."""

    takes_empty = True
    inputs = (Input("x", "any"),)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 0


class Flatten(_Free):
    """Joins the axes from `axis` on into one, in the spec's (row-major) order.

    Shape: `[N, a, b, …]` → `[N, a * b * …]`. Source: ONNX Flatten; `torch.flatten(x, 1)`.
    """

    family = "tensor"
    moves = True
    primary = "axis"
    axis = Axis(1, doc="the first axis that is joined")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank == 0:
            raise OpError("E0303", "`flatten` needs an axis, not a scalar", input=0)
        first = resolve_axis(self.axis, x.rank)
        return x.with_shape(*x.shape[:first], product(x.shape[first:]))


class Reshape(_Free):
    """Reads the elements in row-major order into another shape; one `-1` is found from the rest.

    Shape: any → `shape`, with as many elements. Source: ONNX Reshape.
    """

    family = "tensor"
    moves = True
    primary = "shape"
    shape = Shape(minimum=-1, doc="the new shape; one size may be -1")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if sum(1 for dim in self.shape if dim == -1) > 1:
            raise OpError("E0507", "`shape` may hold one -1, not more", attribute="shape")
        if any(dim == 0 for dim in self.shape):
            raise OpError("E0507", "`shape` may not hold 0", attribute="shape")
        known = product(dim for dim in self.shape if dim != -1)
        if -1 not in self.shape:
            check.require(
                "==",
                x.elements,
                known,
                f"`reshape` keeps the number of elements: {x} has {x.elements}, the new shape {known}",
                code="E0306",
                attribute="shape",
            )
            return x.with_shape(*self.shape)
        rest = _share(check, x.elements, known)
        return x.with_shape(*(rest if dim == -1 else dim for dim in self.shape))


def _share(check: Check, elements: DimLike, known: DimLike) -> DimLike:
    check.require(
        ">=",
        known,
        1,
        f"`reshape` finds -1 by dividing by {known}",
        code="E0324",
        attribute="shape",
    )
    check.require(
        "==",
        elements % known,
        0,
        f"`reshape` to -1 needs {elements} elements to divide by {known}",
        code="E0306",
        attribute="shape",
    )
    return elements // known


class Transpose(_Free):
    """Reorders the axes: output axis `k` is input axis `permutation[k]`. Source: ONNX Transpose."""

    family = "tensor"
    moves = True
    primary = "permutation"
    permutation = Axes(doc="the whole permutation of the axes")

    def order(self, rank: int) -> tuple[int, ...]:
        """The permutation counted from 0; raises where it is none of `rank` axes."""
        found = tuple(resolve_axis(a, rank, attribute="permutation") for a in self.permutation)
        if sorted(found) != list(range(rank)):
            message = f"`permutation` must name each of the {count_axes(rank)} once"
            raise OpError("E0507", message, attribute="permutation")
        return found

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        return x.with_shape(*(x.shape[axis] for axis in self.order(x.rank)))


class Concat(_Free):
    """Joins values along an axis; the other axes are equal. Source: ONNX Concat."""

    family = "tensor"
    layout = "axes"
    primary = "axis"
    inputs = (Input("inputs", "any", variadic=True),)
    axis = Axis(1, doc="the axis along which they are joined")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        first = types[0]
        dtype = same_dtype("concat", types)
        axis = resolve_axis(self.axis, first.rank)
        total = first.shape[axis]
        for position, value in enumerate(types[1:], 1):
            if value.rank != first.rank:
                message = f"`concat` needs equal ranks: {value} has {count_axes(value.rank)}"
                raise OpError("E0304", message, input=position)
            for k, (left, right) in enumerate(zip(first.shape, value.shape, strict=True)):
                if k != axis:
                    message = f"`concat` needs equal shapes but for axis {axis}: axis {k} is {right}, not {left}"
                    check.require("==", left, right, message, code="E0304", input=position, axis=k)
            total = total + value.shape[axis]
        return first.with_dtype(dtype).with_shape(
            *first.shape[:axis], total, *first.shape[axis + 1 :]
        )


class Split(_Free):
    """Cuts a value along an axis into equal `parts` or given `sizes`; outputs `0`, `1`, ….

    `squeeze` removes the axis where every part has size 1. Source: ONNX Split.
    """

    family = "tensor"
    moves = True
    primary = "parts"
    layout = "axes"
    parts = Maybe(Integer(minimum=1, doc="how many equal parts"))
    sizes = Maybe(Shape(minimum=1, doc="the size of each part"))
    axis = Axis(-1, doc="the axis that is cut")
    squeeze = Boolean(False, doc="whether the axis goes, where every part has size 1")

    def count(self) -> int:
        """The number of parts."""
        return self.parts if self.sizes is None else len(self.sizes)

    def output_names(self) -> tuple[str, ...]:
        return tuple(str(part) for part in range(self.count()))

    def infer(self, check: Check, *types: TensorType) -> tuple[TensorType, ...]:
        (x,) = types
        if (self.parts is None) == (self.sizes is None):
            raise OpError("E0503", "`split` takes either `parts` or `sizes`")
        axis = resolve_axis(self.axis, x.rank)
        sizes = self.part_sizes(check, x.shape[axis])
        return tuple(self._part(check, x, axis, size) for size in sizes)

    def part_sizes(self, check: Check, size: DimLike) -> tuple[DimLike, ...]:
        """The sizes of the parts of an axis."""
        if self.sizes is None:
            message = f"`split` needs axis {self.axis}, {size}, to divide by {self.parts}"
            check.require("==", size % self.parts, 0, message, code="E0307", attribute="parts")
            return (size // self.parts,) * self.parts
        total: DimLike = 0
        for part in self.sizes:
            total = total + part
        message = f"`split` sizes add up to {total}, not to the axis's {size}"
        check.require("==", total, size, message, code="E0307", attribute="sizes")
        return tuple(self.sizes)

    def _part(self, check: Check, x: TensorType, axis: int, size: DimLike) -> TensorType:
        if not self.squeeze:
            return x.with_shape(*x.shape[:axis], size, *x.shape[axis + 1 :])
        message = f"`squeeze` needs parts of size 1, not {size}"
        check.require("==", size, 1, message, code="E0307", attribute="squeeze")
        return x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :])


class Slice(_Free):
    """Takes one `index` of an axis, which goes, or the range `start` to `stop` by `step`.

    Negative places count from the end. Source: ONNX Slice and Gather.
    """

    family = "tensor"
    moves = True
    layout = "axes"
    axis = Axis(doc="the axis that is cut")
    index = Maybe(Size(doc="the one place that is taken; the axis goes"))
    start = Maybe(Size(doc="the first place; 0 by default"))
    stop = Maybe(Size(doc="the place after the last; the end by default"))
    step = Integer(1, minimum=1, doc="the distance between places")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        axis = resolve_axis(self.axis, x.rank)
        size = x.shape[axis]
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        if self.index is not None:
            self._inside(check, self.place("index", size), size)
            return x.with_shape(*before, *after)
        start, stop = self.place("start", size), self.place("stop", size)
        check.require(">=", start, 0, "`start` is before the axis", code="E0308", attribute="start")
        message = f"`stop` is past the axis, whose size is {size}"
        check.require("<=", stop, size, message, code="E0308", attribute="stop")
        message = "the slice is empty: `start` must be below `stop`"
        check.require("<", start, stop, message, code="E0308", attribute="stop")
        return x.with_shape(*before, (stop - start + self.step - 1) // self.step, *after)

    def place(self, name: str, size: DimLike) -> DimLike:
        """`index`, `start` or `stop` counted from the front of an axis of `size`."""
        value = self.values[name]
        if value is None:
            return size if name == "stop" else 0
        return size + value if isinstance(value, int) and value < 0 else value

    def _inside(self, check: Check, place: DimLike, size: DimLike) -> None:
        message = f"`index` is outside the axis, whose size is {size}"
        check.require(">=", place, 0, message, code="E0308", attribute="index")
        check.require("<", place, size, message, code="E0308", attribute="index")


class Cast(_Free):
    """Converts to another dtype; floats to integers cut towards zero. Source: ONNX Cast.

    What integers cannot hold, such as a number below 0 as `u8`, is not the same in every backend.
    """

    family = "tensor"
    primary = "dtype"
    layout = "elementwise"
    dtype = Word(
        words=("bool", "i8", "i16", "i32", "i64", "u8", "f16", "bf16", "f32", "f64"),
        doc="the new dtype",
    )

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return types[0].with_dtype(self.dtype)


class Parameter(_Free):
    """A learned tensor of a given shape; its weight bears the step's own path.

    Shape: `shape`. Source: `torch.nn.Parameter`.
    """

    family = "tensor"
    primary = "shape"
    inputs = ()
    shape = Shape(minimum=1, doc="the shape, known when the spec is compiled")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return TensorType("f32", tuple(self.shape))

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        return (Weight("", tuple(self.shape), ("zeros",)),)
