"""Losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dslc.ops.loss import CrossEntropy, Mse
from dslc.ops.shapes import resolve_axis
from dslc_onnx.lowering import ROWS
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.types import DTYPES, numpy_dtype, product, rows_type

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(CrossEntropy)
def cross_entropy(at: Lowering[CrossEntropy]) -> Result:
    """`SoftmaxCrossEntropyLoss`, and the mean over classes for the smoothed part."""
    logits, type, target = scores_and_target(at)
    share, ignored = at.op.label_smoothing, at.op.ignore_index
    label = "plain" if share else ""
    options = {} if ignored is None else {"ignore_index": ignored}
    kind, values = "SoftmaxCrossEntropyLoss", [logits, target]
    factors = class_weights(at)
    values += [] if factors is None else [factors]
    found = at.graph.node(kind, values, [(f"{at.path}/{label}".rstrip("/"), at.type)], options)[0]
    if not share:
        return found
    sure = at.emit("LogSoftmax", logits, type=type, label="log_softmax", axis=1)
    if factors is not None:
        even = weighed_mean(at, sure, type, target, factors)
    elif ignored is None:
        even = at.emit("ReduceMean", sure, type=at.type, label="uniform", keepdims=0)
    else:
        even = kept_mean(at, sure, type, target)
    main = at.emit("Mul", found, at.number(1 - share), type=at.type, label="share")
    rest = at.emit("Mul", even, at.number(-share), type=at.type, label="smoothing")
    return at.emit("Add", main, rest)


def class_weights(at: Lowering[CrossEntropy]) -> ir.Value | None:
    """How much each class counts, if they differ."""
    given, dtype = at.op.class_weights, numpy_dtype(at.type.dtype)
    if given is None:
        return None
    key = ("class_weights", at.type.dtype, *given)
    name = f"{at.path}.class_weights"
    return at.graph.initializer(key, name, lambda: np.array(given, dtype))


def weighed_mean(
    at: Lowering[CrossEntropy],
    sure: ir.Value,
    type: TensorType,
    target: ir.Value,
    factors: ir.Value,
) -> ir.Value:
    """The mean over classes of what each counts, over the weights of the places that count."""
    places = type.with_shape(type.shape[0], *type.shape[2:])
    given = at.operand(1).type.dtype
    ids = places.with_dtype(given if given == "i32" else "i64")
    flags = places.with_dtype("bool")
    count = len(at.op.class_weights)
    one, last = type.with_shape(count, *(1 for _ in type.shape[2:])), at.type.with_shape(count)
    spread = at.sizes.reshape(factors, last, one, f"{at.path}/factors")
    every = at.emit("Mul", sure, spread, type=type, label="weighed")
    each = reduced(at, "ReduceSum", every, [1], places, "each", keep=False)
    if at.op.ignore_index is None:
        weights = at.emit("Gather", factors, target, type=places, label="weights", axis=0)
    else:
        index = at.number(at.op.ignore_index, ids.dtype)
        same = at.emit("Equal", target, index, type=flags, label="ignored")
        none = at.number(0.0, type.dtype)
        each = at.emit("Where", same, none, each, type=places, label="kept")
        first = at.number(0, ids.dtype)
        known = at.emit("Where", same, first, target, type=ids, label="known")
        found = at.emit("Gather", factors, known, type=places, label="found", axis=0)
        weights = at.emit("Where", same, none, found, type=places, label="weights")
    total = at.emit("ReduceSum", each, type=at.type, label="sum", keepdims=0)
    whole = at.emit("ReduceSum", weights, type=at.type, label="whole", keepdims=0)
    mean = at.emit("Div", total, whole, type=at.type, label="mean")
    return at.emit("Mul", mean, at.number(1 / count), type=at.type, label="uniform")


def kept_mean(
    at: Lowering[CrossEntropy], sure: ir.Value, type: TensorType, target: ir.Value
) -> ir.Value:
    """The mean over classes and over places that count."""
    places = type.with_shape(type.shape[0], *type.shape[2:])
    flags, given = places.with_dtype("bool"), at.operand(1).type.dtype
    each = reduced(at, "ReduceMean", sure, [1], places, "each", keep=False)
    index = at.number(at.op.ignore_index, given if given == "i32" else "i64")
    same = at.emit("Equal", target, index, type=flags, label="ignored")
    other = at.emit("Not", same, type=flags, label="kept")
    to = DTYPES[type.dtype].value
    weights = at.emit("Cast", other, type=places, label="weights", to=to)
    weighed = at.emit("Mul", each, weights, type=places, label="weighed")
    total = at.emit("ReduceSum", weighed, type=at.type, label="sum", keepdims=0)
    count = at.emit("ReduceSum", weights, type=at.type, label="count", keepdims=0)
    return at.emit("Div", total, count, type=at.type, label="uniform")


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
