"""Losses over a few of many classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.sampled import NegativeSampling, SampledSoftmax
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.rules.linear import indices
from dslc_onnx.types import DTYPES, HIDDEN

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.types import TensorType
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(NegativeSampling)
def negative_sampling(at: Lowering[NegativeSampling]) -> Result:
    """`Softplus` of the scores, the target's with another sign."""
    right, wrong = scores(at)
    rows, few = places(at)
    against = at.emit("Neg", right, type=rows, label="against")
    missed = at.emit("Softplus", against, type=rows, label="missed")
    each = at.emit("Softplus", wrong, type=few, label="each")
    taken = reduced(at, "ReduceSum", each, [1], rows, "taken", keep=True)
    total = at.emit("Add", missed, taken, type=rows, label="total")
    return at.emit("ReduceMean", total, keepdims=0)


@RULES.add(SampledSoftmax)
def sampled_softmax(at: Lowering[SampledSoftmax]) -> Result:
    """`LogSoftmax` of the target's score and the others'."""
    right, wrong = scores(at)
    rows, few = places(at)
    mine, theirs = (wide(at.operand(k).type.dtype) for k in (2, 3))
    column_type, others = rows.with_dtype(mine), indices(at, 3)
    one = at.graph.integers(1)
    column = at.emit("Unsqueeze", indices(at, 2), one, type=column_type, label="column")
    if mine != theirs:
        type, to = column_type.with_dtype(theirs), DTYPES[theirs].value
        column = at.emit("Cast", column, type=type, label="alike", to=to)
    flags = few.with_dtype("bool")
    hits = at.emit("Equal", others, column, type=flags, label="hits")
    least = at.number(HIDDEN[few.dtype], few.dtype)
    wrong = at.emit("Where", hits, least, wrong, type=few, label="others")
    whole = few.with_shape(few.shape[0], few.shape[1] + 1)
    both = at.emit("Concat", right, wrong, type=whole, label="scores", axis=1)
    sure = at.emit("LogSoftmax", both, type=whole, label="log_softmax", axis=1)
    first = at.emit(*("Gather", sure, at.graph.integers(0)), type=rows, label="first", axis=1)
    lost = at.emit("Neg", first, type=rows, label="lost")
    return at.emit("ReduceMean", lost, keepdims=0)


def wide(dtype: str) -> str:
    """The dtype in which `Gather` takes ids of another."""
    return dtype if dtype in ("i32", "i64") else "i64"


def places(at: Lowering[Any]) -> tuple[TensorType, TensorType]:
    """The types of one number for each row, and for each negative."""
    type, few = at.operand().type, at.operand(3).type.shape
    return type.with_shape(type.shape[0], 1), type.with_shape(*few)


def scores(at: Lowering[Any]) -> tuple[ir.Value, ir.Value]:
    """The products of each row with the target's row of the table, [N, 1], and the others', [N, K]."""
    x, table, type = at.input(0), at.input(1), at.operand().type
    rows, few = places(at)
    found = at.emit("Gather", table, indices(at, 2), type=type, label="row", axis=0)
    product = at.emit("Mul", x, found, type=type, label="product")
    right = reduced(at, "ReduceSum", product, [1], rows, "right", keep=True)
    cube = type.with_shape(*few.shape, type.shape[1])
    found = at.emit("Gather", table, indices(at, 3), type=cube, label="rows", axis=0)
    wrong = at.emit("Einsum", x, found, type=few, label="wrong", equation="nd,nkd->nk")
    return right, wrong
