"""Values in other shapes and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.arrange import (
    Expand,
    Flip,
    Pad,
    PixelShuffle,
    Roll,
    SpaceToDepth,
    Squeeze,
    Stack,
    Tile,
    Tril,
    Triu,
    Unsqueeze,
    resolve_axes,
)
from dslc.ops.shapes import resolve_axis
from dslc_onnx.rules import RULES

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

END = (1 << 63) - 1


@RULES.add(Squeeze)
def squeeze(at: Lowering[Squeeze]) -> Result:
    """`Squeeze`."""
    axes = resolve_axes(at.op.axis, at.operand().type.rank)
    return at.emit("Squeeze", at.input(), at.graph.integers(*axes))


@RULES.add(Unsqueeze)
def unsqueeze(at: Lowering[Unsqueeze]) -> Result:
    """`Unsqueeze`."""
    axes = resolve_axes(at.op.axis, at.type.rank)
    return at.emit("Unsqueeze", at.input(), at.graph.integers(*axes))


@RULES.add(Stack)
def stack(at: Lowering[Stack]) -> Result:
    """`Concat` of values with one more axis."""
    axis = resolve_axis(at.op.axis, at.type.rank)
    one = at.type.with_shape(*at.type.shape[:axis], 1, *at.type.shape[axis + 1 :])
    place = at.graph.integers(axis)
    parts = [
        at.emit("Unsqueeze", at.input(k), place, type=one, label=str(k))
        for k in range(len(at.operands))
    ]
    return at.emit("Concat", *parts, axis=axis)


@RULES.add(Pad)
def pad(at: Lowering[Pad]) -> Result:
    """`Pad`."""
    sides = at.op.sides()
    sizes = at.sizes.shape([*(before for before, _ in sides), *(after for _, after in sides)])
    if at.op.mode != "constant":
        return at.emit("Pad", at.input(), sizes, mode=at.op.mode)
    return at.emit("Pad", at.input(), sizes, at.number(at.op.value))


@RULES.add(Expand)
def expand(at: Lowering[Expand]) -> Result:
    """`Expand`."""
    return at.emit("Expand", at.input(), at.sizes.shape(at.type.shape))


@RULES.add(Tile)
def tile(at: Lowering[Tile]) -> Result:
    """`Tile`."""
    return at.emit("Tile", at.input(), at.sizes.shape(at.op.repeats))


@RULES.add(Flip)
def flip(at: Lowering[Flip]) -> Result:
    """`Slice` backwards."""
    axes = resolve_axes(at.op.axis, at.type.rank)
    back = at.graph.integers(*[-1] * len(axes))
    end = at.graph.integers(*[-END] * len(axes))
    return at.emit("Slice", at.input(), back, end, at.graph.integers(*axes), back)


@RULES.add(Roll)
def roll(at: Lowering[Roll]) -> Result:
    """`Concat` of what leaves and what stays."""
    shift, axis = at.op.shift, resolve_axis(at.op.axis, at.type.rank)
    if shift == 0:
        return at.operand()
    size, count = at.type.shape[axis], abs(shift)
    first, cut = (count, -shift) if shift > 0 else (size - count, count)
    place, integers = at.graph.integers(axis), at.graph.integers

    def part(label: str, length: Any, start: int, stop: int) -> Any:
        type = at.type.with_shape(*at.type.shape[:axis], length, *at.type.shape[axis + 1 :])
        bounds = integers(start), integers(stop), place
        return at.emit("Slice", at.input(), *bounds, type=type, label=label)

    parts = part("first", first, cut, END), part("rest", size - first, 0, cut)
    return at.emit("Concat", *parts, axis=axis)


@RULES.add(Tril, Triu)
def triangle(at: Lowering[Any]) -> Result:
    """`Trilu`."""
    diagonal = at.number(at.op.diagonal, "i64")
    return at.emit("Trilu", at.input(), diagonal, upper=int(isinstance(at.op, Triu)))


@RULES.add(PixelShuffle)
def pixel_shuffle(at: Lowering[PixelShuffle]) -> Result:
    """`DepthToSpace`, the channel before the place in the block."""
    factor = at.known(at.op.factor, "factor")
    return at.emit("DepthToSpace", at.input(), blocksize=factor, mode="CRD")


@RULES.add(SpaceToDepth)
def space_to_depth(at: Lowering[SpaceToDepth]) -> Result:
    """`SpaceToDepth`."""
    return at.emit("SpaceToDepth", at.input(), blocksize=at.known(at.op.factor, "factor"))
