"""What is seen inside boxes: `RoiAlign`, or its places by `GridSample`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ir.types import TensorType
from dslc.ops.regions import RoiAlign
from dslc_onnx.rules import RULES
from dslc_onnx.rules.boxes import halves
from dslc_onnx.rules.regions import numbers
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

UNSUPPORTED = 22
"""The opset from which on runtimes that have all else lack `RoiAlign`."""


@RULES.add(RoiAlign)
def roi_align(at: Lowering[RoiAlign]) -> Result:
    """`RoiAlign` of the boxes of all images, each with the number of its image."""
    if at.graph.opset >= UNSUPPORTED:
        return by_samples(at)
    boxes = at.operand(1).type
    images, count, _ = boxes.shape
    flat = boxes.with_shape(images * count, 4)
    rois = at.sizes.reshape(at.input(1), boxes, flat, f"{at.path}/rois")
    column, table = TensorType("i64", (images, 1)), TensorType("i64", (images, count))
    line = numbers(at, images, "numbers")
    line = at.emit("Unsqueeze", line, at.graph.integers(1), type=column, label="images")
    wide = at.emit("Expand", line, at.sizes.shape(table.shape), type=table, label="table")
    of = at.sizes.reshape(wide, table, TensorType("i64", (images * count,)), f"{at.path}/of")
    high, broad = (at.known(size, "out") for size in at.op.out)
    options: dict[str, Any] = {
        "output_height": high,
        "output_width": broad,
        "sampling_ratio": at.known(at.op.samples, "samples"),
        "spatial_scale": at.op.scale,
        "coordinate_transformation_mode": "half_pixel" if at.op.aligned else "output_half_pixel",
    }
    return at.emit("RoiAlign", at.input(0), rois, of, **options)


def by_samples(at: Lowering[RoiAlign]) -> ir.Value:
    """`GridSample` at every place, 0 beyond the edge, and the mean of each cell's places."""
    x, boxes = at.operand(0).type, at.operand(1).type
    images, channels, high, wide = x.shape
    count, samples = boxes.shape[1], at.known(at.op.samples, "samples")
    rows, columns = (at.known(size, "out") for size in at.op.out)
    places = boxes.with_shape(images, count, rows * samples, columns * samples)
    starts, lengths = sides(at, boxes)
    lines = [
        line(at, (starts, lengths, boxes), axis, size, places)
        for axis, size in ((0, wide), (1, high))
    ]
    pair = places.with_shape(*places.shape, 1)
    last, full = at.graph.integers(4), at.sizes.shape(places.shape)
    parts: list[ir.Value] = []
    for label, (value, _) in zip("xy", lines, strict=True):
        wider = at.emit("Expand", value, full, type=places, label=f"{label}_all")
        parts.append(at.emit("Unsqueeze", wider, last, type=pair, label=f"{label}_column"))
    both = places.with_shape(*places.shape, 2)
    grid = at.emit("Concat", *parts, type=both, label="pairs", axis=4)
    flat = (images, count * rows * samples, columns * samples)
    wanted = both.with_shape(*flat, 2)
    grid = at.sizes.reshape(grid, both, wanted, f"{at.path}/grid")
    seen_type = x.with_shape(images, channels, *flat[1:])
    options = {"mode": "linear", "padding_mode": "border", "align_corners": 0}
    seen = at.emit("GridSample", at.input(0), grid, type=seen_type, label="seen", **options)
    flags = places.with_dtype("bool")
    inside = at.emit("And", lines[0][1], lines[1][1], type=flags, label="inside")
    mask = at.emit("Cast", inside, type=places, label="mask", to=DTYPES[x.dtype].value)
    mask = at.sizes.reshape(mask, places, x.with_shape(flat[0], 1, *flat[1:]), f"{at.path}/kept")
    seen = at.emit("Mul", seen, mask, type=seen_type, label="counted")
    return cells(at, seen, x.with_shape(images, channels, count * rows, columns), samples)


def sides(at: Lowering[RoiAlign], boxes: TensorType) -> tuple[ir.Value, ir.Value]:
    """Where boxes begin in the image's pixels, and how long their sides are."""
    value = at.input(1)
    if at.op.scale != 1:
        value = at.emit("Mul", value, at.number(at.op.scale), type=boxes, label="scaled")
    if at.op.aligned:
        value = at.emit("Sub", value, at.number(0.5), type=boxes, label="aligned")
    low, high, half = halves(at, value, boxes, "box")
    label = "size" if at.op.aligned else "sides"
    size = at.emit("Sub", high, low, type=half, label=label)
    if not at.op.aligned:
        size = at.emit("Max", size, at.number(1.0), type=half, label="size")
    return low, size


def line(
    at: Lowering[RoiAlign],
    given: tuple[ir.Value, ir.Value, TensorType],
    axis: int,
    size: DimLike,
    places: TensorType,
) -> tuple[ir.Value, ir.Value]:
    """The places along one axis, from -1 to 1, and whether each counts."""
    starts, lengths, boxes = given
    name, total = "xy"[axis], places.shape[3 - axis]
    assert isinstance(total, int)
    column = boxes.with_shape(*boxes.shape[:2], 1)
    index = at.graph.integers(axis)
    start, length = (
        at.emit("Gather", value, index, type=column, label=f"{name}_{label}", axis=2)
        for value, label in ((starts, "start"), (lengths, "length"))
    )
    key, dtype = ("cells", total, boxes.dtype), numpy_dtype(boxes.dtype)
    made = at.graph.initializer(
        key, f"constant/cells[{total}]", lambda: ((np.arange(total) + 0.5) / total).astype(dtype)
    )
    row = boxes.with_shape(*boxes.shape[:2], total)
    way = at.emit("Mul", length, made, type=row, label=f"{name}_way")
    value = at.emit("Add", start, way, type=row, label=f"{name}_places")
    type = row.with_shape(1)
    edge = at.emit(
        *("Cast", at.sizes.size(size)),
        type=type,
        label=f"{name}_edge",
        to=DTYPES[boxes.dtype].value,
    )
    flags = row.with_dtype("bool")
    above = at.emit("GreaterOrEqual", value, at.number(-1.0), type=flags, label=f"{name}_above")
    below = at.emit("LessOrEqual", value, edge, type=flags, label=f"{name}_below")
    inside = at.emit("And", above, below, type=flags, label=f"{name}_inside")
    twice = at.emit("Add", value, value, type=row, label=f"{name}_twice")
    more = at.emit("Add", twice, at.number(1.0), type=row, label=f"{name}_more")
    share = at.emit("Div", more, edge, type=row, label=f"{name}_share")
    found = at.emit("Sub", share, at.number(1.0), type=row, label=f"{name}_line")
    wide = row.with_shape(*boxes.shape[:2], *((1, total) if axis == 0 else (total, 1)))
    to = at.graph.integers(2 + axis)
    found = at.emit("Unsqueeze", found, to, type=wide, label=f"{name}_wide")
    flags = wide.with_dtype("bool")
    return found, at.emit("Unsqueeze", inside, to, type=flags, label=f"{name}_counts")


def cells(at: Lowering[RoiAlign], seen: ir.Value, type: TensorType, samples: int) -> ir.Value:
    """The mean of each cell's places, a row for each box."""
    images, channels, joined, columns = type.shape
    rows = at.op.out[0]
    pool = {"kernel_shape": [samples, samples], "strides": [samples, samples]}
    mean = at.emit("AveragePool", seen, type=type, label="cells", **pool)
    apart = type.with_shape(images, channels, joined // rows, rows, columns)
    mean = at.sizes.reshape(mean, type, apart, f"{at.path}/by_box")
    turned = type.with_shape(images, apart.shape[2], channels, rows, columns)
    mean = at.emit("Transpose", mean, type=turned, label="turned", perm=[0, 2, 1, 3, 4])
    return at.sizes.reshape(mean, turned, at.type, at.path)
