"""Shapes and places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.base import Check
from dslc.ops.shapes import resolve_axis
from dslc.ops.tensor import Cast, Concat, Flatten, Parameter, Reshape, Slice, Split, Transpose
from dslc_onnx.lowering import Operand, form_name
from dslc_onnx.rules import RULES
from dslc_onnx.types import DTYPES

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

END = (1 << 63) - 1
"""What `Slice` takes as the end of any axis."""


@RULES.add(Flatten)
def flatten(at: Lowering[Flatten]) -> Result:
    """`Flatten` from axis 1 on, else `Reshape`."""
    if at.operand().type == at.type:
        return at.operand()
    if resolve_axis(at.op.axis, at.operand().type.rank) == 1:
        return at.emit("Flatten", at.input(), axis=1)
    return reshape(at)


@RULES.add(Reshape)
def reshape(at: Lowering[Any]) -> Result:
    """`Reshape`; symbolic sizes as `dslc_onnx.sizes` tells them."""
    if at.operand().type == at.type:
        return at.operand()
    return at.sizes.reshape(at.input(), at.operand().type, at.type, at.path)


@RULES.add(Transpose)
def transpose(at: Lowering[Transpose]) -> Result:
    """`Transpose`, unless it changes nothing."""
    order = at.op.order(at.type.rank)
    if order == tuple(range(at.type.rank)):
        return at.operand()
    return at.emit("Transpose", at.input(), perm=list(order))


@RULES.add(Concat)
def concat(at: Lowering[Concat]) -> Result:
    """`Concat`."""
    if len(at.operands) == 1:
        return at.operand()
    values = [at.input(k) for k in range(len(at.operands))]
    return at.emit("Concat", *values, axis=resolve_axis(at.op.axis, at.type.rank))


@RULES.add(Split)
def split(at: Lowering[Split]) -> Result:
    """`Split`, or one `Gather` a part where the axis goes."""
    names = at.op.output_names()
    axis = resolve_axis(at.op.axis, at.operand().type.rank)
    types = [at.outputs[name] for name in names]
    if len(names) == 1 and not at.op.squeeze:
        return [at.operand()]
    labels = [form_name(at.path, name) for name in names]
    if at.op.squeeze:
        values = [
            at.emit("Gather", at.input(), at.number(k, "i64"), type=types[k], label=name, axis=axis)
            for k, name in enumerate(names)
        ]
    else:
        sizes = at.op.part_sizes(Check(None), at.operand().type.shape[axis])
        inputs = [at.input()]
        attributes: dict[str, Any] = {"axis": axis}
        if at.op.sizes is not None or all(isinstance(size, int) for size in sizes):
            inputs.append(at.sizes.shape(sizes))
        elif at.graph.opset >= 18:
            attributes["num_outputs"] = len(names)
        values = at.graph.node("Split", inputs, list(zip(labels, types, strict=True)), attributes)
    return [Operand(*parts) for parts in zip(labels, types, values, strict=True)]


@RULES.add(Slice)
def slice_(at: Lowering[Slice]) -> Result:
    """`Gather` of one place, or `Slice` of a range."""
    op, type = at.op, at.operand().type
    axis = resolve_axis(op.axis, type.rank)
    if op.index is not None:
        return at.emit("Gather", at.input(), place(at, "index"), axis=axis)
    start = at.graph.integers(0) if op.start is None else at.sizes.size(op.start)
    stop = at.graph.integers(END) if op.stop is None else at.sizes.size(op.stop)
    inputs = [at.input(), start, stop, at.graph.integers(axis)]
    if op.step != 1:
        inputs.append(at.graph.integers(op.step))
    return at.emit("Slice", *inputs)


def place(at: Lowering[Slice], attribute: str) -> ir.Value:
    """A place on an axis as a scalar."""
    where = at.op.values[attribute]
    if isinstance(where, int):
        return at.number(where, "i64")
    from dslc.ir.types import TensorType

    scalar = TensorType("i64", ())
    return at.emit("Squeeze", at.sizes.size(where), type=scalar, label=attribute)


@RULES.add(Cast)
def cast(at: Lowering[Cast]) -> Result:
    """`Cast`."""
    if at.operand().type == at.type:
        return at.operand()
    at.keep_form()
    return at.emit("Cast", at.input(), to=DTYPES[at.op.dtype].value)


@RULES.add(Parameter)
def parameter(at: Lowering[Parameter]) -> Result:
    """The tensor of the file itself; no node."""
    return at.weight("")
