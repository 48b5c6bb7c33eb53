"""Mixtures of experts: rows through every expert by `Einsum`, weighed by the gates."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from dslc.ir.dims import ceil_div
from dslc.ops.mixture import MixtureOfExperts, TopKRouter
from dslc_onnx.lowering import ROWS, Operand
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.types import DTYPES, HIDDEN, rows_type

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(TopKRouter)
def top_k_router(at: Lowering[TopKRouter]) -> Result:
    """`Softmax` of what is not below the least of `TopK`."""
    return gates(at, at.input(), at.type, "")


def gates(at: Lowering[Any], logits: ir.Value, type: TensorType, label: str) -> ir.Value:
    """The softmax over the k largest numbers of each row, 0 at all others."""
    found, last = type.with_shape(*type.shape[:-1], at.op.k), type.rank - 1
    outputs = [(f"{at.path}/largest", found), (f"{at.path}/places", found.with_dtype("i64"))]
    inputs = [logits, at.sizes.size(at.op.k)]
    largest = at.graph.node("TopK", inputs, outputs, {"axis": last})[0]
    one = type.with_shape(*type.shape[:-1], 1)
    least = reduced(at, "ReduceMin", largest, [last], one, "least")
    below = at.emit("Less", logits, least, type=type.with_dtype("bool"), label="below")
    kept = at.emit("Where", below, at.number(HIDDEN[type.dtype]), logits, type=type, label="kept")
    return at.emit("Softmax", kept, type=type, label=label, axis=-1)


@RULES.add(MixtureOfExperts)
def mixture_of_experts(at: Lowering[MixtureOfExperts]) -> Result:
    """Rows through every expert, weighed by the gates, and how evenly they are spread."""
    op, x = at.op, at.convert(at.operand(), ROWS) if at.type.rank > 2 else at.input()
    rows = rows_type(at.type) if at.type.rank > 2 else at.type
    scores = rows.with_shape(rows.shape[0], op.experts)
    inside = rows.with_shape(rows.shape[0], op.experts, op.hidden)
    logits = at.emit("Gemm", x, at.weight("router"), type=scores, label="logits", transB=1)
    share = gates(at, logits, scores, "gates")
    used = share if op.capacity is None else within_capacity(at, share, scores)
    h = at.emit(
        *("Einsum", x, at.weight("inner")), type=inside, label="inside", equation="md,ehd->meh"
    )
    h = activated(at, h, inside)
    parts = (h, at.weight("outer"), used)
    equation = "meh,edh,me->md"
    y = at.emit("Einsum", *parts, type=rows, label="value_rows", equation=equation)
    value = Operand(f"{at.path}/value", at.type, y, ROWS if at.type.rank > 2 else "")
    return [value, Operand(f"{at.path}/balance", at.outputs["balance"], balance(at, logits, share))]


def within_capacity(at: Lowering[MixtureOfExperts], share: ir.Value, type: TensorType) -> ir.Value:
    """The gates of the rows that each expert has room for, which come first; 0 for the others."""
    flags, to = type.with_dtype("bool"), DTYPES[type.dtype].value
    rows, experts = type.shape
    whole = rows * at.op.k * round(1000 * at.op.capacity)
    room = at.sizes.size(ceil_div(whole, 1000 * experts))
    limit = at.emit("Cast", room, type=type.with_shape(1), label="room", to=to)
    taken = at.emit("Greater", share, at.number(0.0), type=flags, label="routed")
    counted = at.emit("Cast", taken, type=type, label="queued", to=to)
    axis = at.graph.scalar("i64", 0)
    place = at.emit("CumSum", counted, axis, type=type, label="place")
    inside = at.emit("LessOrEqual", place, limit, type=flags, label="inside")
    return at.emit("Where", inside, share, at.number(0.0), type=type, label="used")


def activated(at: Lowering[MixtureOfExperts], x: ir.Value, type: TensorType) -> ir.Value:
    """The function inside an expert."""
    if at.op.activation == "relu":
        return at.emit("Relu", x, type=type, label="active")
    if at.op.activation == "silu":
        gate = at.emit("Sigmoid", x, type=type, label="gate")
        return at.emit("Mul", x, gate, type=type, label="active")
    scaled = at.emit("Mul", x, at.number(1 / sqrt(2)), type=type, label="scaled")
    erf = at.emit("Erf", scaled, type=type, label="erf")
    more = at.emit("Add", erf, at.number(1.0), type=type, label="more")
    half = at.emit("Mul", x, at.number(0.5), type=type, label="half")
    return at.emit("Mul", half, more, type=type, label="active")


def balance(at: Lowering[MixtureOfExperts], logits: ir.Value, share: ir.Value) -> ir.Value:
    """What shares of rows experts are given, times what they were wanted, summed."""
    experts = at.known(at.op.experts, "experts")
    scores = rows_type(at.type) if at.type.rank > 2 else at.type
    scores = scores.with_shape(scores.shape[0], experts)
    each, scalar = scores.with_shape(experts), at.type.with_shape()
    zero, flags = at.number(0.0), scores.with_dtype("bool")
    taken = at.emit("Greater", share, zero, type=flags, label="taken")
    to = DTYPES[at.type.dtype].value
    counted = at.emit("Cast", taken, type=scores, label="counted", to=to)
    wanted = at.emit("Softmax", logits, type=scores, label="wanted", axis=-1)
    left, right = (
        reduced(at, "ReduceMean", value, [0], each, label, keep=False)
        for value, label in ((counted, "given_share"), (wanted, "wanted_share"))
    )
    both = at.emit("Mul", left, right, type=each, label="both")
    total = at.emit("ReduceSum", both, type=scalar, label="total", keepdims=0)
    factor = at.number(experts / at.known(at.op.k, "k"))
    return at.emit("Mul", total, factor, type=scalar, label="balance")
