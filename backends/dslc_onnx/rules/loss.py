"""Losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.loss import CrossEntropy, Mse
from dslc.ops.shapes import resolve_axis
from dslc_onnx.lowering import ROWS
from dslc_onnx.rules import RULES
from dslc_onnx.types import DTYPES, product, rows_type

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(CrossEntropy)
def cross_entropy(at: Lowering[CrossEntropy]) -> Result:
    """`SoftmaxCrossEntropyLoss`, and the mean over classes for the smoothed part."""
    logits, type, target = scores_and_target(at)
    share = at.op.label_smoothing
    label = "plain" if share else ""
    found = at.emit("SoftmaxCrossEntropyLoss", logits, target, label=label, type=at.type)
    if not share:
        return found
    sure = at.emit("LogSoftmax", logits, type=type, label="log_softmax", axis=1)
    even = at.emit("ReduceMean", sure, type=at.type, label="uniform", keepdims=0)
    main = at.emit("Mul", found, at.number(1 - share), type=at.type, label="share")
    rest = at.emit("Mul", even, at.number(-share), type=at.type, label="smoothing")
    return at.emit("Add", main, rest)


def scores_and_target(at: Lowering[CrossEntropy]) -> tuple[ir.Value, TensorType, ir.Value]:
    """The logits with their classes on axis 1, their type, and the target to match."""
    type, target = at.operand().type, wide_target(at)
    axis = resolve_axis(at.op.axis, type.rank)
    if type.rank > 1 and axis == 1:
        return at.input(), type, target
    if axis == type.rank - 1:
        given = at.operand(1).type
        ids = given if given.dtype == "i32" else given.with_dtype("i64")
        flat = ids.with_shape(product(ids.shape))
        target = at.sizes.reshape(target, ids, flat, f"{at.path}/target")
        return at.convert(at.operand(), ROWS), rows_type(type), target
    first, *rest = (k for k in range(type.rank) if k != axis)
    order = [first, axis, *rest]
    moved = type.with_shape(*(type.shape[k] for k in order))
    logits = at.emit("Transpose", at.input(), type=moved, label="logits", perm=order)
    return logits, moved, target


def wide_target(at: Lowering[CrossEntropy]) -> ir.Value:
    """The target's ids in a dtype that the loss takes."""
    type = at.operand(1).type
    if type.dtype in ("i32", "i64"):
        return at.input(1)
    return at.emit(
        "Cast", at.input(1), type=type.with_dtype("i64"), label="ids", to=DTYPES["i64"].value
    )


@RULES.add(Mse)
def mse(at: Lowering[Mse]) -> Result:
    """The mean of the squared differences."""
    full = at.operand().type
    error = at.emit("Sub", at.input(0), at.input(1), type=full, label="error")
    square = at.emit("Mul", error, error, type=full, label="square")
    return at.emit("ReduceMean", square, keepdims=0)
