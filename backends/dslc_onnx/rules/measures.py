"""Metrics of one class, of areas, of ranks and of variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ops.measures import F1, R2, Auc, MeanIou, Perplexity, Precision, Recall
from dslc.ops.shapes import product, resolve_axis
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.rules.graph import scalar
from dslc_onnx.rules.loss import scores_and_target
from dslc_onnx.rules.metric import hits, target, wide
from dslc_onnx.types import DTYPES

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Precision, Recall, F1)
def of_one_class(at: Lowering[Any]) -> Result:
    """Places of a class that are found, that are there, and both, each counted."""
    type = wide(at)
    found = hits(at, best(at), at.number(at.op.positive, "i64"), type)
    there = hits(at, target(at), at.number(at.op.positive, "i64"), type)
    flags = type.with_dtype("f32")
    both = at.emit("Mul", found, there, type=flags, label="both")
    right, taken, own = (
        at.emit("ReduceSum", value, type=at.type, label=label, keepdims=0)
        for value, label in ((both, "right"), (found, "taken"), (there, "own"))
    )
    whole = taken if isinstance(at.op, Precision) else own
    if isinstance(at.op, F1):
        right = at.emit("Mul", right, at.number(2.0), type=at.type, label="twice")
        whole = at.emit("Add", taken, own, type=at.type, label="sum")
    some = at.emit("Max", whole, at.number(1.0), type=at.type, label="some")
    return at.emit("Div", right, some)


def best(at: Lowering[Any]) -> ir.Value:
    """The class with the largest logit of each place."""
    axis = resolve_axis(at.op.axis, at.operand().type.rank)
    return at.emit("ArgMax", at.input(), type=wide(at), label="best", axis=axis, keepdims=0)


@RULES.add(MeanIou)
def mean_iou(at: Lowering[MeanIou]) -> Result:
    """`OneHot` of what is found and of what is there, summed over places."""
    logits = at.operand().type
    classes = logits.shape[resolve_axis(at.op.axis, logits.rank)]
    places = product(wide(at).shape)
    rows, row = at.type.with_shape(places, classes), at.type.with_shape(classes)
    found, there = one_hot(at, best(at), "found", rows), one_hot(at, target(at), "there", rows)
    both = at.emit("Min", found, there, type=rows, label="both")
    either = at.emit("Max", found, there, type=rows, label="either")
    axis = at.graph.integers(0)
    shared = at.emit("ReduceSum", both, axis, type=row, label="shared", keepdims=0)
    whole = at.emit("ReduceSum", either, axis, type=row, label="whole", keepdims=0)
    some = at.emit("Max", whole, at.number(1.0), type=row, label="some")
    ratio = at.emit("Div", shared, some, type=row, label="ratio")
    total = at.emit("ReduceSum", ratio, type=at.type, label="total", keepdims=0)
    seen = at.emit("Min", whole, at.number(1.0), type=row, label="seen")
    count = at.emit("ReduceSum", seen, type=at.type, label="count", keepdims=0)
    return at.emit("Div", total, count)


def one_hot(at: Lowering[Any], ids: ir.Value, label: str, rows: TensorType) -> ir.Value:
    """A row for each place, 1 at its class."""
    type = wide(at)
    flat = at.sizes.reshape(ids, type, type.with_shape(rows.shape[0]), f"{at.path}/{label}_ids")
    values = at.graph.initializer(
        "off and on", "constant/[0,1]", lambda: np.array([0, 1], np.float32)
    )
    depth = scalar(at, rows.shape[1])  # of no axes, as the reference evaluator needs it
    return at.emit("OneHot", flat, depth, values, type=rows, label=label, axis=-1)


@RULES.add(Perplexity)
def perplexity(at: Lowering[Any]) -> Result:
    """`SoftmaxCrossEntropyLoss`, then `Exp`."""
    logits, _, ids = scores_and_target(at)
    own = at.operand().type.with_shape()
    found = at.emit("SoftmaxCrossEntropyLoss", logits, ids, label="loss", type=own)
    return single(at, "Exp", found)


def single(at: Lowering[Any], op_type: str, *inputs: ir.Value) -> ir.Value:
    """The step's value from floats of the first input's dtype, which is f32 whatever they are."""
    own = at.operand().type.with_shape()
    if own.dtype == at.type.dtype:
        return at.emit(op_type, *inputs)
    found = at.emit(op_type, *inputs, type=own, label="own")
    return at.emit("Cast", found, to=DTYPES[at.type.dtype].value)


@RULES.add(Auc)
def auc(at: Lowering[Auc]) -> Result:
    """All pairs of a place of class 1 and one of class 0."""
    scores, given = at.operand().type, wide(at)
    places = product(scores.shape)
    vector, square = scores.with_shape(places), scores.with_shape(places, places)
    flat = at.sizes.reshape(at.input(), scores, vector, f"{at.path}/scores")
    ids = at.sizes.reshape(target(at), given, given.with_shape(places), f"{at.path}/ids")
    column, axis = scores.with_shape(places, 1), at.graph.integers(1)
    upright = at.emit("Unsqueeze", flat, axis, type=column, label="upright")
    apart = at.emit("Sub", upright, flat, type=square, label="apart")
    sign = at.emit("Sign", apart, type=square, label="sign")
    if scores.dtype != at.type.dtype:
        vector, square, column = (t.with_dtype(at.type.dtype) for t in (vector, square, column))
        to = DTYPES[at.type.dtype].value
        sign = at.emit("Cast", sign, type=square, label="single_sign", to=to)
    above = at.emit("Add", sign, at.number(1.0), type=square, label="above")
    wins = at.emit("Mul", above, at.number(0.5), type=square, label="wins")
    positive, negative = (
        hits(at, ids, at.number(k, "i64"), given.with_shape(places)) for k in (1, 0)
    )
    positive = at.emit("Unsqueeze", positive, axis, type=column, label="positive")
    pairs = at.emit("Mul", positive, negative, type=square, label="pairs")
    won = at.emit("Mul", wins, pairs, type=square, label="won")
    total = at.emit("ReduceSum", won, type=at.type, label="total", keepdims=0)
    count = at.emit("ReduceSum", pairs, type=at.type, label="count", keepdims=0)
    some = at.emit("Max", count, at.number(1.0), type=at.type, label="some")
    return at.emit("Div", total, some)


@RULES.add(R2)
def r2(at: Lowering[R2]) -> Result:
    """Sums of squares."""
    full, axes = at.operand().type, list(range(at.operand().type.rank))
    own = full.with_shape()
    error = at.emit("Sub", at.input(1), at.input(0), type=full, label="error")
    mean = reduced(at, "ReduceMean", at.input(1), axes, own, "mean", keep=False)
    spread = at.emit("Sub", at.input(1), mean, type=full, label="spread")
    left, all_ = (
        reduced(at, "ReduceSumSquare", value, axes, own, label, keep=False)
        for value, label in ((error, "errors"), (spread, "variance"))
    )
    share = at.emit("Div", left, all_, type=own, label="share")
    return single(at, "Sub", at.number(1.0, own.dtype), share)
