"""Losses of sequences whose targets are shorter: `Scan` over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from dslc.ir.types import TensorType
from dslc.ops.alignment import Ctc
from dslc_onnx.lowering import TIME_FIRST
from dslc_onnx.rules import RULES
from dslc_onnx.rules.graph import LEAST, filled, scalar, wide_ids
from dslc_onnx.types import DTYPES, make_value

if TYPE_CHECKING:
    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Ctc)
def ctc(at: Lowering[Ctc]) -> Result:
    """The likelihood of each way so far, a `Scan` along time, and its end read at the lengths."""
    logits, (target, ids) = at.operand().type, wide_ids(at, 1)
    batch, time, classes = logits.shape
    first = logits.with_shape(time, batch, classes)
    lengths, wanted = limits(at, 2, time), limits(at, 3, ids.shape[1])
    scores = at.emit(
        *("LogSoftmax", at.convert(at.operand(), TIME_FIRST)), type=first, label="scores", axis=2
    )
    states = logits.with_shape(batch, 2 * ids.shape[1] + 1)
    blanks = filled(at, float(at.op.blank), ids, "blanks")
    path = paired(at, blanks, target, ids, at.op.blank, "path")
    leap = paired(at, *leaps(at, target, ids), LEAST[logits.dtype], "leap")
    begun = beginning(at, states)
    found = scanned(at, (begun, states), (scores, first), (path, leap, lengths))
    return mean(at, ending(at, found, states, wanted), wanted)


def limits(at: Lowering[Any], position: int, default: DimLike) -> ir.Value:
    """How many places of each row count, `[N, 1]`; all of them by default."""
    rows = at.type.with_shape(at.operand().type.shape[0]).with_dtype("i64")
    given = at.operands[position] if len(at.operands) > position else None
    column = rows.with_shape(*rows.shape, 1)
    label = ("lengths", "target_lengths")[position - 2]
    if given is None:
        size = at.sizes.size(default)
        return at.emit("Expand", size, at.sizes.shape(column.shape), type=column, label=label)
    value, _ = wide_ids(at, position)
    return at.emit("Unsqueeze", value, at.graph.integers(1), type=column, label=label)


def paired(
    at: Lowering[Any],
    even: ir.Value,
    odd: ir.Value,
    type: TensorType,
    last: float,
    label: str,
) -> ir.Value:
    """Two rows in turn, `[N, S]` each, and one number more behind them."""
    rows, count = type.shape
    one, both = type.with_shape(rows, count, 1), type.with_shape(rows, count, 2)
    axis = at.graph.integers(2)
    parts = [
        at.emit("Unsqueeze", value, axis, type=one, label=f"{label}_{place}")
        for value, place in ((even, "even"), (odd, "odd"))
    ]
    joined = at.emit("Concat", *parts, type=both, label=f"{label}_both", axis=2)
    flat = type.with_shape(rows, 2 * count)
    row = at.sizes.reshape(joined, both, flat, f"{at.path}/{label}_row")
    end = filled(at, last, type.with_shape(rows, 1), f"{label}_end")
    whole = type.with_shape(rows, 2 * count + 1)
    return at.emit("Concat", row, end, type=whole, label=label, axis=1)


def leaps(
    at: Lowering[Any], target: ir.Value, ids: TensorType
) -> tuple[ir.Value, ir.Value, TensorType]:
    """What a leap over a blank costs: nothing between unlike labels, all else everywhere."""
    rows, count = ids.shape
    type = at.operand().type.with_shape(rows, count)
    less = ids.with_shape(rows, count - 1)
    ends = [at.graph.integers(n) for n in (0, 1, -1, (1 << 63) - 1)]
    start, second, last, far = ends
    axis = second
    before = at.emit("Slice", target, start, last, axis, type=less, label="before")
    after = at.emit("Slice", target, second, far, axis, type=less, label="after")
    alike = at.emit("Equal", before, after, type=less.with_dtype("bool"), label="alike")
    none, some = at.number(LEAST[type.dtype], type.dtype), at.number(0.0, type.dtype)
    cost = type.with_shape(*less.shape)
    costs = at.emit("Where", alike, none, some, type=cost, label="costs")
    first = filled(at, LEAST[type.dtype], type.with_shape(rows, 1), "first_cost")
    odd = at.emit("Concat", first, costs, type=type, label="odd_costs", axis=1)
    return filled(at, LEAST[type.dtype], type, "even_costs"), odd, type


def beginning(at: Lowering[Any], states: TensorType) -> ir.Value:
    """Before the first place: nothing is read for sure."""
    rows, count = states.shape
    sure = filled(at, 0.0, states.with_shape(rows, 1), "sure")
    never = filled(at, LEAST[states.dtype], states.with_shape(rows, count - 1), "never")
    return at.emit("Concat", sure, never, type=states, label="begun", axis=1)


def scanned(
    at: Lowering[Any],
    begun: tuple[ir.Value, TensorType],
    scores: tuple[ir.Value, TensorType],
    around: tuple[ir.Value, ir.Value, ir.Value],
) -> ir.Value:
    """The likelihoods at the end of each row."""
    graph, path = at.graph, at.path
    time = scores[1].shape[0]
    ends = [at.number(0, "i64"), scalar(at, time), at.number(1, "i64")]
    steps = at.emit("Range", *ends, type=TensorType("i64", (time,)), label="steps")
    types = [begun[1], scores[1].with_shape(*scores[1].shape[1:]), TensorType("i64", ())]
    names = ("state", "score", "step")
    inputs = [
        make_value(graph.unique(f"{path}/{name}/round"), type)
        for name, type in zip(names, types, strict=True)
    ]
    with graph.inside() as nodes:
        end = advance(at, inputs, begun[1], around)
    body = ir.Graph(inputs, [end], nodes=nodes, name=f"{path}/round")
    options = {"body": body, "num_scan_inputs": 2}
    sources = [begun[0], scores[0], steps]
    return graph.node("Scan", sources, [(f"{path}/ends", begun[1])], options)[0]


def advance(
    at: Lowering[Any],
    inputs: list[ir.Value],
    type: TensorType,
    around: tuple[ir.Value, ir.Value, ir.Value],
) -> ir.Value:
    """One place: a way stays, goes on by one, or leaps over a blank."""
    (state, score, step), (path, leap, lengths) = inputs, around
    dtype = type.dtype
    ways = [state]
    for far in (1, 2):
        shape = type.with_shape(type.shape[0], type.shape[1] + far)
        pads = at.graph.integers(0, far, 0, 0)
        none = at.number(LEAST[dtype], dtype)
        wide = at.emit("Pad", state, pads, none, type=shape, label=f"padded_{far}")
        ends = [at.graph.integers(n) for n in (0, -far, 1)]
        ways.append(at.emit("Slice", wide, *ends, type=type, label=f"moved_{far}"))
    ways[2] = at.emit("Add", ways[2], leap, type=type, label="leapt")
    most = at.emit("Max", *ways, type=type, label="likeliest")
    parts: list[ir.Value] = []
    for number, way in enumerate(ways):
        below = at.emit("Sub", way, most, type=type, label=f"below_{number}")
        parts.append(at.emit("Exp", below, type=type, label=f"share_{number}"))
    total = at.emit("Sum", *parts, type=type, label="shares")
    growth = at.emit("Log", total, type=type, label="growth")
    sums = at.emit("Add", most, growth, type=type, label="ways")
    read = at.emit("GatherElements", score, path, type=type, label="read", axis=1)
    new = at.emit("Add", sums, read, type=type, label="new")
    flags = TensorType("bool", (type.shape[0], 1))
    counts = at.emit("Less", step, lengths, type=flags, label="counts")
    return at.emit("Where", counts, new, state, type=type, label="next")


def ending(at: Lowering[Any], found: ir.Value, states: TensorType, wanted: ir.Value) -> ir.Value:
    """The likelihood of the last label and of the blank behind it, together, `[N, 1]`."""
    column = states.with_shape(states.shape[0], 1)
    ids = column.with_dtype("i64")
    last = at.emit("Add", wanted, wanted, type=ids, label="last_place")
    before = at.emit("Sub", last, at.number(1, "i64"), type=ids, label="place_before")
    before = at.emit("Max", before, at.number(0, "i64"), type=ids, label="label_place")
    blank, label = (
        at.emit("GatherElements", found, place, type=column, label=name, axis=1)
        for place, name in ((last, "ends_blank"), (before, "ends_label"))
    )
    flags = column.with_dtype("bool")
    some = at.emit("Greater", wanted, at.number(0, "i64"), type=flags, label="has_labels")
    none = at.number(LEAST[states.dtype], states.dtype)
    label = at.emit("Where", some, label, none, type=column, label="ends_word")
    most = at.emit("Max", blank, label, type=column, label="end_likeliest")
    parts: list[ir.Value] = []
    for name, value in (("blank", blank), ("label", label)):
        below = at.emit("Sub", value, most, type=column, label=f"end_below_{name}")
        parts.append(at.emit("Exp", below, type=column, label=f"end_share_{name}"))
    total = at.emit("Add", *parts, type=column, label="end_shares")
    growth = at.emit("Log", total, type=column, label="end_growth")
    return at.emit("Add", most, growth, type=column, label="likelihood")


def mean(at: Lowering[Any], likelihood: ir.Value, wanted: ir.Value) -> ir.Value:
    """The mean over rows of what is lost by each label; what cannot be read counts 0."""
    column = at.operand().type.with_shape(at.operand().type.shape[0], 1)
    least = at.number(LEAST[column.dtype] / 2, column.dtype)
    flags = column.with_dtype("bool")
    fits = at.emit("Greater", likelihood, least, type=flags, label="fits")
    lost = at.emit("Neg", likelihood, type=column, label="lost")
    ids = column.with_dtype("i64")
    labels = at.emit("Max", wanted, at.number(1, "i64"), type=ids, label="labels")
    to = DTYPES[column.dtype].value
    count = at.emit("Cast", labels, type=column, label="count", to=to)
    each = at.emit("Div", lost, count, type=column, label="each")
    kept = at.emit("Where", fits, each, at.number(0.0, column.dtype), type=column, label="kept")
    return at.emit("ReduceMean", kept, keepdims=0)
