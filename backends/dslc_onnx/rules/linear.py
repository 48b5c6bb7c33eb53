"""Linear maps: dense, convolutions, embedding, matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ops.linear import Conv1d, Conv2d, Conv3d, DepthwiseConv2d, Embedding, Linear, Matmul
from dslc.ops.normed import MADE_OF
from dslc_onnx.lowering import ROWS
from dslc_onnx.rules import RULES
from dslc_onnx.types import DTYPES
from dslc_onnx.windows import windowed

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Linear)
def linear(at: Lowering[Linear]) -> Result:
    """`Gemm` with the weight as the file has it, on rows where there are more axes."""
    if at.type.rank != 2:
        at.form = ROWS
    bias = [at.weight("bias")] if at.op.bias else []
    return at.emit("Gemm", at.input(), kernel(at), *bias, transB=1)


def kernel(at: Lowering[Any]) -> ir.Value:
    """The weight; one that is made of others is computed here, once for all."""
    kind = at.op.values.get("normalize", "none")
    names = MADE_OF[kind]
    if kind == "none":
        return at.weight(names[0])
    return at.prepared("weight", names, lambda: made(kind, [at.array(name) for name in names]))


def made(kind: str, parts: list[Any]) -> Any:
    """A weight from what it is made of."""
    whole, *beside = (part.astype(np.float64) for part in parts)
    matrix = whole.reshape(len(whole), -1)
    if kind == "weight_norm":
        length = np.linalg.norm(matrix, axis=1).reshape(beside[0].shape)
        return (beside[0] * whole / length).astype(parts[0].dtype)
    u, v = beside
    return (whole / (u @ matrix @ v)).astype(parts[0].dtype)


@RULES.add(Conv1d, Conv2d, Conv3d, DepthwiseConv2d)
def convolution(at: Lowering[Any]) -> Result:
    """`Conv`; a depthwise one has as many groups as channels."""
    x, attributes = windowed(at)
    groups = at.known(at.op.groups_of(at.operand().type.shape[1]), "groups")
    if groups != 1:
        attributes["group"] = groups
    bias = [at.weight("bias")] if at.op.bias else []
    return at.emit("Conv", x, kernel(at), *bias, **attributes)


@RULES.add(Embedding)
def embedding(at: Lowering[Embedding]) -> Result:
    """`Gather` of rows."""
    return at.emit("Gather", at.weight("weight"), indices(at), axis=0)


def indices(at: Lowering[Any], position: int = 0) -> ir.Value:
    """Ids as `Gather` takes them."""
    type = at.operand(position).type
    if type.dtype in ("i32", "i64"):
        return at.input(position)
    wide = type.with_dtype("i64")
    return at.emit("Cast", at.input(position), type=wide, label="ids", to=DTYPES["i64"].value)


@RULES.add(Matmul)
def matmul(at: Lowering[Matmul]) -> Result:
    """`MatMul`."""
    return at.emit("MatMul", at.input(0), at.input(1))
