"""Values by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from dslc.ops.lookup import Cumprod, Einsum, EmbeddingBag, Patchify, ScatterAdd, ShapeOf, TopK
from dslc.ops.shapes import resolve_axis
from dslc_onnx.lowering import Operand
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.rules.linear import indices
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(TopK)
def top_k(at: Lowering[TopK]) -> Result:
    """`TopK`."""
    axis, names = resolve_axis(at.op.axis, at.type.rank), at.op.outputs
    outputs = [(f"{at.path}/{name}", at.outputs[name]) for name in names]
    inputs = [at.input(), at.sizes.size(at.op.k)]
    found = at.graph.node("TopK", inputs, outputs, {"axis": axis})
    pairs = zip(names, found, strict=True)
    return [Operand(f"{at.path}/{name}", at.outputs[name], value) for name, value in pairs]


@RULES.add(Cumprod)
def cumprod(at: Lowering[Cumprod]) -> Result:
    """`ReduceProd` over a table of all places by all, 1 above its diagonal."""
    type, axis = at.type, resolve_axis(at.op.axis, at.type.rank)
    size, behind = type.shape[axis], type.shape[axis + 1 :]
    one = type.with_shape(*type.shape[:axis], 1, size, *behind)
    wide = at.emit("Unsqueeze", at.input(), at.graph.integers(axis), type=one, label="wide")
    square = type.with_shape(size, size)
    number = ir.tensor(np.ones(1, numpy_dtype(type.dtype)))
    sizes = at.sizes.shape(square.shape)
    ones = at.emit("ConstantOfShape", sizes, type=square, label="ones", value=number)
    below = at.emit("Trilu", ones, type=square, label="below", upper=0)
    square, to = square.with_dtype("bool"), DTYPES["bool"].value
    below = at.emit("Cast", below, type=square, label="seen", to=to)
    flags = square.with_shape(size, size, *[1] * len(behind))
    if behind:
        added = at.graph.integers(*range(2, 2 + len(behind)))
        below = at.emit("Unsqueeze", below, added, type=flags, label="flags")
    full = type.with_shape(*type.shape[:axis], size, size, *behind)
    parts = at.emit("Where", below, wide, at.number(1.0), type=full, label="parts")
    return reduced(at, "ReduceProd", parts, [axis + 1], type, "", keep=False)


@RULES.add(ScatterAdd)
def scatter_add(at: Lowering[ScatterAdd]) -> Result:
    """`ScatterElements`, which adds."""
    axis = resolve_axis(at.op.axis, at.type.rank)
    values = at.input(0), indices(at, 1), at.input(2)
    return at.emit("ScatterElements", *values, axis=axis, reduction="add")


@RULES.add(Einsum)
def einsum(at: Lowering[Einsum]) -> Result:
    """`Einsum`."""
    values = [at.input(k) for k in range(len(at.operands))]
    return at.emit("Einsum", *values, equation=at.op.compact)


@RULES.add(Patchify)
def patchify(at: Lowering[Patchify]) -> Result:
    """`Transpose` between two shapes."""
    type, size = at.operand().type, at.op.size
    n, c, h, w = type.shape
    cut = type.with_shape(n, c, h // size, size, w // size, size)
    order = [0, 2, 4, 1, 3, 5]
    turned = type.with_shape(*(cut.shape[axis] for axis in order))
    x = at.sizes.reshape(at.input(), type, cut, f"{at.path}/cut")
    x = at.emit("Transpose", x, type=turned, label="patches", perm=order)
    return at.sizes.reshape(x, turned, at.type, at.path)


@RULES.add(ShapeOf)
def shape_of(at: Lowering[ShapeOf]) -> Result:
    """A constant where all sizes are known, else the sizes joined."""
    shape = at.operand().type.shape
    if all(isinstance(size, int) for size in shape):
        return at.graph.new_initializer(at.path, np.array(shape, np.int64))
    return at.emit("Identity", at.sizes.shape(shape))


@RULES.add(EmbeddingBag)
def embedding_bag(at: Lowering[EmbeddingBag]) -> Result:
    """`Gather` of the rows, and their reduction."""
    ids = at.operand().type
    type = at.type.with_shape(*ids.shape, at.op.dim)
    rows = at.emit("Gather", at.weight("weight"), indices(at), type=type, label="rows", axis=0)
    name = {"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax"}[at.op.mode]
    return reduced(at, name, rows, [1], at.type, "", keep=False)
