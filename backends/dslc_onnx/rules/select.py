"""Values picked, counted and made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from dslc.ir.types import TensorType
from dslc.ops.select import (
    Argmax,
    Constant,
    Cumsum,
    Gather,
    Identity,
    OneHot,
    Range,
    Resize,
    StopGradient,
    Where,
)
from dslc.ops.shapes import resolve_axis
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import operands_in_form
from dslc_onnx.rules.linear import indices
from dslc_onnx.types import numpy_dtype

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Gather)
def gather(at: Lowering[Gather]) -> Result:
    """`Gather`; with shared axes `GatherND`, the axis moved behind them."""
    type, batch = at.operand().type, at.op.batch
    axis = resolve_axis(at.op.axis, type.rank)
    if not batch:
        return at.emit("Gather", at.input(), indices(at, 1), axis=axis)
    ids = at.operand(1).type.with_dtype("i64")
    wide = indices(at, 1)
    if at.operand(1).type.dtype == "i32":
        wide = at.emit("Cast", wide, type=ids, label="ids", to=7)
    last = at.graph.integers(ids.rank)
    pointed = ids.with_shape(*ids.shape, 1)
    wide = at.emit("Unsqueeze", wide, last, type=pointed, label="places")
    if axis == batch:
        return at.emit("GatherND", at.input(), wide, batch_dims=batch)
    order = [*range(batch), axis, *(k for k in range(batch, type.rank) if k != axis)]
    moved = type.with_shape(*(type.shape[k] for k in order))
    x = at.emit("Transpose", at.input(), type=moved, label="moved", perm=order)
    found = type.with_shape(*ids.shape, *moved.shape[batch + 1 :])
    y = at.emit("GatherND", x, wide, type=found, label="found", batch_dims=batch)
    named, middle = ids.rank - batch, axis - batch
    back = [*range(batch), *range(ids.rank, ids.rank + middle)]
    back += [*range(batch, ids.rank), *range(ids.rank + middle, type.rank - 1 + named)]
    return at.emit("Transpose", y, perm=back)


@RULES.add(OneHot)
def one_hot(at: Lowering[OneHot]) -> Result:
    """`OneHot` on a new last axis."""
    depth = at.sizes.size(at.op.classes)
    values = at.graph.initializer(
        "off and on", "constant/[0,1]", lambda: np.array([0, 1], np.float32)
    )
    ids = at.input()
    if at.operand().type.dtype != "i64":
        ids = at.emit("Cast", ids, type=at.operand().type.with_dtype("i64"), label="ids", to=7)
    return at.emit("OneHot", ids, depth, values, axis=-1)


@RULES.add(Where)
def where(at: Lowering[Where]) -> Result:
    """`Where`."""
    return at.emit("Where", *operands_in_form(at))


@RULES.add(Argmax)
def argmax(at: Lowering[Argmax]) -> Result:
    """`ArgMax`."""
    axis = resolve_axis(at.op.axis, at.operand().type.rank)
    return at.emit("ArgMax", at.input(), axis=axis, keepdims=int(at.op.keep))


@RULES.add(Cumsum)
def cumsum(at: Lowering[Cumsum]) -> Result:
    """`CumSum`."""
    axis = resolve_axis(at.op.axis, at.type.rank)
    return at.emit("CumSum", at.input(), at.number(axis, "i64"))


@RULES.add(Range)
def range_(at: Lowering[Range]) -> Result:
    """A constant where the ends are known, else `Range`."""
    op = at.op
    if isinstance(op.start, int) and isinstance(op.stop, int):
        array = np.arange(op.start, op.stop, op.step)
        return at.graph.new_initializer(at.path, array)
    start, stop = (
        scalar(at, size, label) for size, label in ((op.start, "start"), (op.stop, "stop"))
    )
    return at.emit("Range", start, stop, at.number(op.step, "i64"))


def scalar(at: Lowering[Any], size: Any, label: str) -> ir.Value:
    """A size as a value of no axes."""
    if isinstance(size, int):
        return at.number(size, "i64")
    return at.emit("Squeeze", at.sizes.size(size), type=TensorType("i64", ()), label=label)


@RULES.add(Constant)
def constant(at: Lowering[Constant]) -> Result:
    """The file's own tensor for a scalar, else `ConstantOfShape`."""
    if not at.type.shape:
        return at.number(at.op.value)
    number = ir.tensor(np.array([at.op.value], numpy_dtype(at.type.dtype)))
    return at.emit("ConstantOfShape", at.sizes.shape(at.type.shape), value=number)


@RULES.add(Identity, StopGradient)
def same(at: Lowering[Any]) -> Result:
    """The value itself."""
    return at.operand()


@RULES.add(Resize)
def resize(at: Lowering[Resize]) -> Result:
    """`Resize`, its places as the op says."""
    how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    if at.op.mode == "nearest":
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
        how["nearest_mode"] = "floor"
    if at.op.mode == "bicubic":
        how |= {"mode": "cubic", "cubic_coeff_a": -0.75}
    if at.op.size is not None:
        return at.emit("Resize", at.input(), None, None, at.sizes.shape(at.type.shape), **how)
    high, wide = (at.known(scale, "scale") for scale in at.op.scale)
    key = ("scales", high, wide)
    scales = at.graph.initializer(
        key, f"constant/scales[{high},{wide}]", lambda: np.array([1, 1, high, wide], np.float32)
    )
    return at.emit("Resize", at.input(), None, scales, **how)
