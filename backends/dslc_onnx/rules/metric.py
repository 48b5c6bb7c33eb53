"""Metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.metric import Accuracy, TopKAccuracy
from dslc.ops.shapes import resolve_axis
from dslc_onnx.rules import RULES
from dslc_onnx.types import DTYPES

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Accuracy)
def accuracy(at: Lowering[Accuracy]) -> Result:
    """`ArgMax`, the first of equals, against the target."""
    type, axis = wide(at), resolve_axis(at.op.axis, at.operand().type.rank)
    best = at.emit("ArgMax", at.input(), type=type, label="best", axis=axis, keepdims=0)
    return at.emit("ReduceMean", hits(at, best, target(at), type), keepdims=0)


@RULES.add(TopKAccuracy)
def top_k_accuracy(at: Lowering[TopKAccuracy]) -> Result:
    """`TopK` against the target; it is there once or not, so the sum says whether it is."""
    logits, axis = at.operand().type, resolve_axis(at.op.axis, at.operand().type.rank)
    found = logits.with_shape(*logits.shape[:axis], at.op.k, *logits.shape[axis + 1 :])
    indices = found.with_dtype("i64")
    outputs = [(f"{at.path}/largest", found), (f"{at.path}/places", indices)]
    inputs = [at.input(), at.graph.integers(at.op.k)]
    places = at.graph.node("TopK", inputs, outputs, {"axis": axis})[1]
    one = indices.with_shape(*logits.shape[:axis], 1, *logits.shape[axis + 1 :])
    axes = at.graph.integers(axis)
    wanted = at.emit("Unsqueeze", target(at), axes, type=one, label="wanted")
    each = hits(at, places, wanted, indices)
    found_type = wide(at).with_dtype("f32")
    among = at.emit("ReduceSum", each, axes, type=found_type, label="among", keepdims=0)
    return at.emit("ReduceMean", among, keepdims=0)


def wide(at: Lowering[Any]) -> TensorType:
    """The target's type in i64, which places of the largest have."""
    return at.operand(1).type.with_dtype("i64")


def target(at: Lowering[Any]) -> ir.Value:
    """The target in i64."""
    if at.operand(1).type.dtype == "i64":
        return at.input(1)
    return at.emit("Cast", at.input(1), type=wide(at), label="ids", to=DTYPES["i64"].value)


def hits(at: Lowering[Any], found: ir.Value, wanted: ir.Value, type: TensorType) -> ir.Value:
    """1 where two values are equal, else 0."""
    equal = at.emit("Equal", found, wanted, type=type.with_dtype("bool"), label="equal")
    number = DTYPES["f32"].value
    return at.emit("Cast", equal, type=type.with_dtype("f32"), label="hits", to=number)
