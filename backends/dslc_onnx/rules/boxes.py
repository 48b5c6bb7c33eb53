"""Boxes: corners and sizes by `Split`, arithmetic, `Concat`."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from dslc.ops.boxes import BoxDecode, BoxEncode, BoxIou
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


def halves(
    at: Lowering[Any], x: ir.Value, type: TensorType, label: str
) -> tuple[ir.Value, ir.Value, TensorType]:
    """The first two and the last two numbers of each box, and their type."""
    half = type.with_shape(*type.shape[:-1], 2)
    outputs = [(f"{at.path}/{label}_{name}", half) for name in ("low", "high")]
    sizes = at.graph.integers(2, 2)
    low, high = at.graph.node("Split", [x, sizes], outputs, {"axis": type.rank - 1})
    return low, high, half


def sized(
    at: Lowering[Any], low: ir.Value, high: ir.Value, type: TensorType, label: str
) -> tuple[ir.Value, ir.Value]:
    """The centre and the size of boxes."""
    size = at.emit("Sub", high, low, type=type, label=f"{label}_size")
    total = at.emit("Add", high, low, type=type, label=f"{label}_sum")
    return at.emit("Mul", total, at.number(0.5), type=type, label=f"{label}_centre"), size


@RULES.add(BoxIou)
def box_iou(at: Lowering[BoxIou]) -> Result:
    """Corners of every pair, then areas."""
    return overlap(at, at.type, "")


def overlap(at: Lowering[Any], found: TensorType, label: str) -> ir.Value:
    """The overlap of the first two inputs, `[…, R, 4]` and `[…, S, 4]`."""
    corners: list[tuple[ir.Value, ir.Value]] = []
    areas: list[ir.Value] = []
    for position, name in enumerate(("boxes", "others")):
        type = at.operand(position).type
        wide = [*type.shape[:-2], *((type.shape[-2], 1), (1, type.shape[-2]))[position]]
        full = type.with_shape(*wide, 4)
        axis = at.graph.integers(type.rank - 1 - position)
        x = at.emit("Unsqueeze", at.input(position), axis, type=full, label=name)
        low, high, half = halves(at, x, full, name)
        side = at.emit("Sub", high, low, type=half, label=f"{name}_sides")
        own = full.with_shape(*wide)
        areas.append(reduced(at, "ReduceProd", side, [type.rank], own, f"{name}_area", keep=False))
        corners.append((low, high))
    pair = found.with_shape(*found.shape, 2)
    (a, c), (b, d) = corners
    low = at.emit("Max", a, b, type=pair, label="low")
    high = at.emit("Min", c, d, type=pair, label="high")
    sides = at.emit("Sub", high, low, type=pair, label="sides")
    inside = at.emit("Relu", sides, type=pair, label="inside")
    shared = reduced(at, "ReduceProd", inside, [found.rank], found, "shared", keep=False)
    both = at.emit("Add", *areas, type=found, label="both")
    whole = at.emit("Sub", both, shared, type=found, label="whole")
    return at.emit("Div", shared, whole, type=found, label=label)


@RULES.add(BoxEncode)
def box_encode(at: Lowering[BoxEncode]) -> Result:
    """Moves of centres by sizes, logarithms of growth."""
    low, high, own = halves(at, at.input(0), at.operand().type, "anchors")
    centre, size = sized(at, low, high, own, "anchors")
    low, high, half = halves(at, at.input(1), at.type, "boxes")
    wanted, grown = sized(at, low, high, half, "boxes")
    way = at.emit("Sub", wanted, centre, type=half, label="way")
    moved = at.emit("Div", way, size, type=half, label="moved")
    ratio = at.emit("Div", grown, size, type=half, label="ratio")
    growth = at.emit("Log", ratio, type=half, label="growth")
    return at.emit("Concat", moved, growth, axis=at.type.rank - 1)


@RULES.add(BoxDecode)
def box_decode(at: Lowering[BoxDecode]) -> Result:
    """Centres moved, half sizes grown, corners joined."""
    low, high, own = halves(at, at.input(0), at.operand().type, "anchors")
    centre, size = sized(at, low, high, own, "anchors")
    moves, growth, half = halves(at, at.input(1), at.type, "moves")
    way = at.emit("Mul", moves, size, type=half, label="way")
    middle = at.emit("Add", centre, way, type=half, label="middle")
    limit = at.number(log(1000 / 16))
    least = at.emit("Min", growth, limit, type=half, label="limited")
    factor = at.emit("Exp", least, type=half, label="factor")
    sides = at.emit("Mul", size, factor, type=half, label="sides")
    reach = at.emit("Mul", sides, at.number(0.5), type=half, label="reach")
    ends = [at.emit(op, middle, reach, type=half, label=op.lower()) for op in ("Sub", "Add")]
    return at.emit("Concat", *ends, axis=at.type.rank - 1)
