"""Where a place is: rotations, waves, learned rows, and penalties that grow with the distance."""

from __future__ import annotations

from math import prod

from dslc.ir.types import TensorType
from dslc.ops.attributes import Boolean, Maybe, Number, Shape, Size
from dslc.ops.base import Check, Input, Op, OpError, Weight
from dslc.ops.shapes import count_axes
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike


class RotaryEmbedding(Op):
    """Turns pairs of numbers by angles that grow with the place: `place * base ** (-2 i / dim)`.

    Pair i of the first `dim` numbers is `(x[i], x[i + dim / 2])`, or `(x[2 i], x[2 i + 1])` with
    `interleaved`; the rest stays. `positions` are integers `[T]` or `[N, T]`, by default 0, 1, ….
    Shape: `[N, T, D]` or `[N, heads, T, D]`, unchanged. Source: ONNX RotaryEmbedding; Su et al. 2021.
    """

    family = "attention"
    inputs = (Input("x"), Input("positions", "integer", default="none"))
    base = Number(10000.0, minimum=1, doc="the base of the angles")
    dim = Maybe(Size(minimum=2, doc="how many numbers are turned, an even number; by default all"))
    interleaved = Boolean(False, doc="whether neighbours are pairs, not numbers half the way apart")

    def turned(self, width: DimLike) -> DimLike:
        """How many numbers are turned."""
        return width if self.dim is None else self.dim

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        x = types[0]
        if x.rank not in (3, 4):
            message = f"`rotary_embedding` takes [N, T, D] or [N, heads, T, D], and {x} has {count_axes(x.rank)}"
            raise OpError("E0303", message, input=0)
        dim = self.turned(x.shape[-1])
        message = f"an even number is turned, not {dim}"
        check.require("==", dim % 2, 0, message, attribute="dim")
        message = f"`dim` is at most the size of the last axis, {x.shape[-1]}, not {dim}"
        check.require("<=", dim, x.shape[-1], message, attribute="dim")
        if len(types) > 1:
            check_positions(self.name, check, x, types[1])
        return x

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 3 * outputs[0].elements


def check_positions(op: str, check: Check, x: TensorType, positions: TensorType) -> None:
    """Raises unless positions are `[T]` or `[N, T]` for `[N, …, T, D]`."""
    if positions.rank not in (1, 2):
        raise OpError("E0303", f"`{op}` takes positions [T] or [N, T], not {positions}", input=1)
    expected = (x.shape[0], x.shape[-2])[2 - positions.rank :]
    for axis, (found, wanted) in enumerate(zip(positions.shape, expected, strict=True)):
        message = f"axis {axis} of the positions is {found}, not {wanted}"
        check.require("==", found, wanted, message, code="E0304", input=1, axis=axis)


class SinusoidalPosition(Op):
    """Waves of a place: the sine and cosine of `place * base ** (-2 i / dim)`.

    Sine and cosine in turn, or with `interleaved: false` first all sines, then all cosines.
    Shape: numbers `[…]` → `[…, dim]`, so `range: T` in front gives the table of a sequence.
    Source: Vaswani et al. 2017; Ho et al. 2020.
    """

    family = "attention"
    primary = "dim"
    inputs = (Input("positions", "number"),)
    dim = Size(minimum=2, doc="how many numbers a place gets, an even number")
    base = Number(10000.0, minimum=1, doc="the base of the wave lengths")
    interleaved = Boolean(True, doc="whether sine and cosine take turns")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (positions,) = types
        message = f"`dim` takes an even number, not {self.dim}"
        check.require("==", self.dim % 2, 0, message, attribute="dim")
        if positions.dtype not in ("f16", "bf16", "f32", "f64"):
            positions = positions.with_dtype("f32")
        return positions.with_shape(*positions.shape, self.dim)

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 5 * outputs[0].elements


class LearnedPosition(Op):
    """Adds a learned row for each place: `x + weight[offset + start + t]`.

    Weights: `weight` `[max + offset, D]`. `start` is the place of the first row of `x`, as behind a
    cache. Shape: `[N, T, D]`, unchanged. Source: Gehring et al. 2017; ONNX Slice and Add.
    """

    family = "attention"
    primary = "max"
    max = Size(minimum=1, doc="how many places there may be")
    offset = Size(0, minimum=0, doc="how many rows of the table come before the first place")
    start = Size(0, minimum=0, doc="the place of the first row of `x`")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        (x,) = types
        if x.rank < 2:
            message = f"`learned_position` takes [N, T, D], and {x} has {count_axes(x.rank)}"
            raise OpError("E0303", message, input=0)
        stop = self.start + x.shape[-2]
        message = f"there are {self.max} places, and {stop} are needed"
        check.require("<=", stop, self.max, message, attribute="max")
        return x

    def weights(self, *types: TensorType) -> tuple[Weight, ...]:
        shape = (self.max + self.offset, types[0].shape[-1])
        return (Weight("weight", shape, ("normal", ("std", 0.02))),)


class Alibi(Op):
    """What is added to the scores of each head: `-slope * distance` between a query and a key.

    The distance is that of key s from place `t + S - T`; the slopes are `2 ** (-8 h / heads)` for
    h from 1, and for other numbers of heads than powers of two those of the paper.
    Shape: `[N, T, …]`, `[N, S, …]` → `[heads, T, S]`, a `bias` of attention. Source: Press et al. 2022.
    """

    family = "attention"
    primary = "heads"
    inputs = (Input("query"), Input("key", default="query"))
    heads = Size(minimum=1, doc="the number of heads")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        for position, value in enumerate(types):
            if value.rank < 2:
                message = f"`alibi` takes [N, T, …], and {value} has {count_axes(value.rank)}"
                raise OpError("E0303", message, input=position)
        query, key = types
        return query.with_shape(self.heads, query.shape[1], key.shape[1])

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        return 2 * outputs[0].elements


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
