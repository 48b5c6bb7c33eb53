"""Boxes in images: anchors, what they match, and `NonMaxSuppression` in its padded form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from dslc.ir.dims import sym
from dslc.ir.types import TensorType
from dslc.ops.proposals import Anchors, MatchBoxes, SampleBalanced
from dslc.ops.regions import NonMaxSuppression
from dslc_onnx.errors import ExportError
from dslc_onnx.lowering import Operand
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.rules.boxes import overlap
from dslc_onnx.rules.chance import seed
from dslc_onnx.rules.graph import LEAST, filled, scalar, wide_ids
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

I64 = DTYPES["i64"].value


def numbers(at: Lowering[Any], count: DimLike, label: str) -> ir.Value:
    """The integers from 0 on."""
    type = TensorType("i64", (count,))
    ends = [at.number(0, "i64"), scalar(at, count), at.number(1, "i64")]
    return at.emit("Range", *ends, type=type, label=label)


def operands(at: Lowering[Any], **values: ir.Value) -> list[Operand]:
    """The op's outputs, in order."""
    types = at.outputs
    return [Operand(f"{at.path}/{name}", types[name], value) for name, value in values.items()]


@RULES.add(Anchors)
def anchors(at: Lowering[Anchors]) -> Result:
    """Boxes of one place, a tensor of the file, moved to every place."""
    x = at.operand().type
    high, wide, count = x.shape[2], x.shape[3], at.op.count
    line = at.type.with_shape
    grid = line(high, wide, 1)
    shifts: list[ir.Value] = []
    for label, size, shape in (("x", wide, (1, wide, 1)), ("y", high, (high, 1, 1))):
        whole = numbers(at, size, f"{label}_numbers")
        flat = line(size)
        place = at.emit("Cast", whole, type=flat, label=f"{label}_places", to=DTYPES[x.dtype].value)
        moved = at.emit("Add", place, at.number(at.op.offset), type=flat, label=f"{label}_moved")
        stride = at.number(at.known(at.op.stride, "stride"))
        pixels = at.emit("Mul", moved, stride, type=flat, label=f"{label}_pixels")
        axes = at.graph.integers(*((0, 2), (1, 2))[label == "y"])
        apart = at.emit("Unsqueeze", pixels, axes, type=line(*shape), label=f"{label}_apart")
        to = at.sizes.shape(grid.shape)
        shifts.append(at.emit("Expand", apart, to, type=grid, label=f"{label}_grid"))
    four = line(high, wide, 4)
    centre = at.emit("Concat", *shifts, *shifts, type=four, label="centre", axis=2)
    upright = line(high, wide, 1, 4)
    centre = at.emit("Unsqueeze", centre, at.graph.integers(2), type=upright, label="places")
    op, full = at.op, line(high, wide, count, 4)
    key = ("anchors", op.sizes, op.ratios, op.rounded, x.dtype)
    made = at.graph.initializer(key, "constant/anchors", lambda: corners(op, x.dtype))
    found = at.emit("Add", centre, made, type=full, label="all")
    return at.sizes.reshape(found, full, at.type, at.path)


def corners(op: Anchors, dtype: str) -> Any:
    """The boxes around one place."""
    size, roots = np.array(op.sizes), np.sqrt(np.array(op.ratios))[:, None]
    half = np.stack([(size / roots).ravel(), (size * roots).ravel()], -1) / 2
    half = np.round(half) if op.rounded else half
    return np.concatenate([-half, half], -1).astype(numpy_dtype(dtype))


@RULES.add(MatchBoxes)
def match_boxes(at: Lowering[MatchBoxes]) -> Result:
    """`ArgMax` and `ReduceMax` of the overlaps, those of boxes that are not there below 0."""
    boxes, ids = at.operand(1).type, at.type
    full = boxes.with_shape(*ids.shape, boxes.shape[1])
    found = overlap(at, full, "overlap")
    if len(at.operands) > 2 and at.operands[2] is not None:
        there = at.operand(2).type
        wide = there.with_shape(there.shape[0], 1, there.shape[1])
        axis = at.graph.integers(1)
        valid = at.emit("Unsqueeze", at.input(2), axis, type=wide, label="there")
        none = at.number(-1.0, boxes.dtype)
        found = at.emit("Where", valid, found, none, type=full, label="counted")
    place = at.emit("ArgMax", found, type=ids, label="ids", axis=2, keepdims=0)
    each, flags = full.with_shape(*ids.shape), ids.with_dtype("bool")
    most = reduced(at, "ReduceMax", found, [2], each, "most", keep=False)
    high = at.number(at.op.high, boxes.dtype)
    low = at.number(at.op.high if at.op.low is None else at.op.low, boxes.dtype)
    label = "enough" if at.op.best else "positive"
    positive = at.emit("GreaterOrEqual", most, high, type=flags, label=label)
    if at.op.best:
        own = nearest(at, found, full)
        positive = at.emit("Or", positive, own, type=flags, label="positive")
    less = at.emit("Less", most, low, type=flags, label="little")
    other = at.emit("Not", positive, type=flags, label="other")
    negative = at.emit("And", less, other, type=flags, label="negative")
    return operands(at, ids=place, positive=positive, negative=negative)


def nearest(at: Lowering[MatchBoxes], found: ir.Value, type: TensorType) -> ir.Value:
    """Which anchors are those that overlap some box most."""
    images, rows, count = type.shape
    each, one = type.with_shape(images, 1, count), type.with_shape(images, rows)
    place = at.emit(
        *("ArgMax", found), type=each.with_dtype("i64"), label="nearest", axis=1, keepdims=1
    )
    top = reduced(at, "ReduceMax", found, [1], each, "top")
    upright = TensorType("i64", (rows, 1))
    line = numbers(at, rows, "numbers")
    line = at.emit("Unsqueeze", line, at.graph.integers(1), type=upright, label="rows")
    flags = type.with_dtype("bool")
    same = at.emit("Equal", line, place, type=flags, label="same")
    touched = each.with_dtype("bool")
    some = at.emit("Greater", top, at.number(0.0, type.dtype), type=touched, label="touched")
    own = at.emit("And", same, some, type=flags, label="own")
    wide = at.emit("Cast", own, type=type, label="own_numbers", to=DTYPES[type.dtype].value)
    total = reduced(at, "ReduceMax", wide, [2], one, "own_any", keep=False)
    bool_type = one.with_dtype("bool")
    return at.emit("Greater", total, at.number(0.0, type.dtype), type=bool_type, label="wanted")


@RULES.add(SampleBalanced)
def sample_balanced(at: Lowering[SampleBalanced]) -> Result:
    """`TopK` of an order by chance, positive places above all others."""
    flags = at.operand().type
    type, most = TensorType("f32", flags.shape), at.op.max
    order, least = chance_order(at, type), at.number(-1.0, "f32")
    own = at.emit("Where", at.input(0), order, least, type=type, label="own")
    found, _ = first(at, own, type, at.op.most, "best")
    last = at.graph.integers(-1)
    one = type.with_shape(flags.shape[0], 1)
    limit = at.emit("Gather", found, last, type=one, label="limit", axis=1)
    enough = at.emit("GreaterOrEqual", own, limit, type=flags, label="enough")
    chosen = at.emit("And", at.input(0), enough, type=flags, label="chosen")
    other = at.emit("Not", at.input(0), type=flags, label="other")
    rest = at.emit("And", at.input(1), other, type=flags, label="rest")
    behind = at.emit("Where", rest, order, least, type=type, label="behind")
    raised = at.emit("Add", own, at.number(1.0, "f32"), type=type, label="raised")
    scores = at.emit("Where", chosen, raised, behind, type=type, label="scores")
    found, places = first(at, scores, type, most, "found")
    kept, ids = at.type.with_dtype("bool"), at.type
    zero = at.number(0.0, "f32")
    valid = at.emit("GreaterOrEqual", found, zero, type=kept, label="valid")
    one_ = at.number(1.0, "f32")
    positive = at.emit("GreaterOrEqual", found, one_, type=kept, label="positive")
    places = at.emit("Where", valid, places, at.number(0, "i64"), type=ids, label="ids")
    return operands(at, ids=places, positive=positive, valid=valid)


def chance_order(at: Lowering[SampleBalanced], type: TensorType) -> ir.Value:
    """Numbers below 1, by chance or falling from place to place."""
    count = type.shape[1]
    if at.op.shuffle:
        zeros = filled(at, 0.0, type, "zeros")
        return at.emit("RandomUniformLike", zeros, type=type, label="order", seed=seed(at))
    line = type.with_shape(count)
    whole = at.emit(
        *("Cast", numbers(at, count, "numbers")), type=line, label="places", to=DTYPES["f32"].value
    )
    one, size = at.number(1.0, "f32"), type.with_shape(1)
    total = at.emit("Cast", at.sizes.size(count), type=size, label="count", to=DTYPES["f32"].value)
    parts = at.emit("Add", total, one, type=size, label="parts")
    next_ = at.emit("Add", whole, one, type=line, label="next")
    share = at.emit("Div", next_, parts, type=line, label="share")
    return at.emit("Sub", one, share, type=line, label="order")


def first(
    at: Lowering[Any], scores: ir.Value, type: TensorType, most: int, label: str
) -> tuple[ir.Value, ir.Value]:
    """The largest of each row and their places, of -1 where there are fewer."""
    rows, count = type.shape
    wide, found = type.with_shape(rows, count + most), type.with_shape(rows, most)
    pads = at.graph.integers(0, 0, 0, most)
    padded = at.emit(
        *("Pad", scores, pads, at.number(-1.0, "f32")), type=wide, label=f"{label}_padded"
    )
    outputs = [(f"{at.path}/{label}", found), (f"{at.path}/{label}_at", found.with_dtype("i64"))]
    inputs = [padded, at.graph.integers(most)]
    values, places = at.graph.node("TopK", inputs, outputs, {"axis": 1})
    return values, places


@RULES.add(NonMaxSuppression)
def non_max_suppression(at: Lowering[NonMaxSuppression]) -> Result:
    """`NonMaxSuppression`, its list of triples put in rows; classes are moved far apart."""
    boxes, scores = at.operand(0).type, at.operand(1).type
    if "f64" in (boxes.dtype, scores.dtype):
        message = "ONNX has it of f32, to which f64 would be rounded; `cast` boxes and scores"
        raise ExportError(f"`{at.op.name}`: {message}", at.span)
    images, count = scores.shape
    corners = at.input(0)
    if len(at.operands) > 2 and at.operands[2] is not None:
        corners = apart(at, boxes)
    wide = scores.with_shape(images, 1, count)
    given = at.emit("Unsqueeze", at.input(1), at.graph.integers(1), type=wide, label="by_class")
    corners, given = single(at, corners, boxes, "corners"), single(at, given, wide, "scores")
    score = LEAST[scores.dtype] if at.op.score is None else at.op.score
    limits = [one_number(at, number) for number in (at.op.iou, score)]
    inputs = [corners, given, at.sizes.size(at.op.max), *limits]
    name = at.graph.unique(f"{at.path}/count")  # runtimes take equal names for equal sizes
    found = TensorType("i64", (sym(name), 3))
    triples = at.emit("NonMaxSuppression", *inputs, type=found, label="kept")
    return rows_of(at, triples, found.shape[0], images)


def single(at: Lowering[Any], value: ir.Value, type: TensorType, label: str) -> ir.Value:
    """Floats in f32, which holds shorter ones exactly."""
    if type.dtype == "f32":
        return value
    found, to = type.with_dtype("f32"), DTYPES["f32"].value
    return at.emit("Cast", value, type=found, label=f"single_{label}", to=to)


def one_number(at: Lowering[Any], number: float) -> ir.Value:
    """A float32 vector of one number."""
    array = np.array([number], np.float32)
    return at.graph.initializer(("one", number), f"constant/[{number:g}]", lambda: array)


def apart(at: Lowering[NonMaxSuppression], boxes: TensorType) -> ir.Value:
    """Boxes moved by their class, so far that no two classes meet."""
    wide, kind = wide_ids(at, 2)
    upright = boxes.with_shape(*kind.shape, 1)
    number = boxes.with_shape()
    classes = at.emit(
        *("Cast", wide),
        type=boxes.with_shape(*kind.shape),
        label="classes",
        to=DTYPES[boxes.dtype].value,
    )
    axis = at.graph.integers(2)
    classes = at.emit("Unsqueeze", classes, axis, type=upright, label="class_column")
    ends = [
        at.emit(kind, at.input(0), type=number, label=kind.lower(), keepdims=0)
        for kind in ("ReduceMax", "ReduceMin")
    ]
    span = at.emit("Sub", *ends, type=number, label="span")
    step = at.emit("Add", span, at.number(1.0, boxes.dtype), type=number, label="step")
    shift = at.emit("Mul", classes, step, type=upright, label="shift")
    return at.emit("Add", at.input(0), shift, type=boxes, label="apart")


def rows_of(
    at: Lowering[NonMaxSuppression], triples: ir.Value, kept: DimLike, images: DimLike
) -> list[Operand]:
    """Triples of image, class and box as a row for each image, and which places are filled."""
    line, column = TensorType("i64", (kept,)), TensorType("i64", (kept, 1))
    vector = TensorType("i64", (images,))
    image, box = (
        at.emit("Gather", triples, at.number(k, "i64"), type=line, label=label, axis=1)
        for k, label in ((0, "image"), (2, "box"))
    )
    one, zero = at.number(1, "i64"), at.number(0, "i64")
    none = at.emit("Mul", image, zero, type=line, label="none")
    ones = at.emit("Add", none, one, type=line, label="ones")
    axis = at.graph.integers(1)
    upright = at.emit("Unsqueeze", image, axis, type=column, label="images")
    counts = filled(at, 0, vector, "begun")
    counts = at.emit(
        "ScatterND", counts, upright, ones, type=vector, label="counts", reduction="add"
    )
    starts = at.emit(
        "CumSum", counts, at.number(0, "i64"), type=vector, label="starts", exclusive=1
    )
    before = at.emit("Gather", starts, image, type=line, label="before", axis=0)
    place = at.emit("CumSum", ones, at.number(0, "i64"), type=line, label="places", exclusive=1)
    place = at.emit("Sub", place, before, type=line, label="place")
    place = at.emit("Unsqueeze", place, axis, type=column, label="place_column")
    pairs = TensorType("i64", (kept, 2))
    where = at.emit("Concat", upright, place, type=pairs, label="where", axis=1)
    empty = filled(at, 0, at.type, "empty")
    ids = at.emit("ScatterND", empty, where, box, type=at.type, label="ids")
    filled_in = at.emit("ScatterND", empty, where, ones, type=at.type, label="filled")
    flags = at.type.with_dtype("bool")
    valid = at.emit("Greater", filled_in, at.number(0, "i64"), type=flags, label="valid")
    return operands(at, ids=ids, valid=valid)
