"""Attention.

Projections are `Gemm` on rows; those that read the same value are joined into one, with the scale
in the query's weights. `Einsum` takes heads from where the projections leave them, so nothing is
transposed. What masks scores is added to them, and made once for all layers of a model.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from dslc.ir.types import TensorType
from dslc.ops.attention import MultiHeadAttention
from dslc.ops.base import Check
from dslc.ops.shapes import broadcast
from dslc_onnx.lowering import ROWS, WHOLE, rows_type
from dslc_onnx.rules import RULES
from dslc_onnx.types import numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

    Attention = Lowering[MultiHeadAttention]

HIDDEN = {"f16": -3e4, "bf16": -1e30, "f32": -1e30, "f64": -1e30}
"""What is added to a score that no query may see: far below any score, and finite, so that a query
that sees nothing gives a mean and no NaN."""


@RULES.add(MultiHeadAttention)
def attention(at: Attention) -> Result:
    """`softmax(q k + mask) v` between projections; see the top of this file."""
    head = at.known(at.op.size_of_head(Check(None), at.type.shape[2]), "head_dim")
    query, key, value = heads(at, head)
    (batch, time, _), places = at.type.shape, at.operand(1).type.shape[1]
    shape = at.type.with_shape(batch, at.op.heads, time, places)
    scores = at.emit("Einsum", query, key, type=shape, label="scores", equation="bthd,bshd->bhts")
    mask = full_mask(at, time, places)
    if mask is not None:
        scores = at.emit("Add", scores, mask, type=shape, label="masked")
    shares = at.emit("Softmax", scores, type=shape, label="shares", axis=-1)
    seen = at.emit(
        *("Einsum", shares, value),
        type=at.type.with_shape(batch, time, at.op.heads, head),
        label="seen",
        equation="bhts,bshd->bthd",
    )
    at.form = ROWS
    inner = at.type.with_shape(rows_type(at.type).shape[0], at.op.heads * head)
    joined = at.sizes.reshape(seen, at.type.with_shape(), inner, f"{at.path}/joined")
    bias = [at.weight("out.bias")] if at.op.projection_bias else []
    return at.emit("Gemm", joined, at.weight("out.weight"), *bias, transB=1)


def heads(at: Attention, head: int) -> list[ir.Value]:
    """Queries, keys and values as `[N, T, heads, head]`."""
    found: dict[str, ir.Value] = {}
    for position, names in groups(at):
        found.update(zip(names, project(at, position, names, head), strict=True))
    return [found[name] for name in ("query", "key", "value")]


def groups(at: Attention) -> list[tuple[int, list[str]]]:
    """Which projections are one: those of the same value whose weights no other step owns."""
    found: list[tuple[int, list[str]]] = []
    for position, name in enumerate(("query", "key", "value")):
        alone = is_tied(at, name)
        for other, names in found:
            if (
                at.operand(other) is at.operand(position)
                and not alone
                and not is_tied(at, names[0])
            ):
                names.append(name)
                break
        else:
            found.append((position, [name]))
    return found


def is_tied(at: Attention, name: str) -> bool:
    """Whether a projection is another step's too, and must stay one tensor."""
    return at.graph.weights.is_tied(at.weight_path(f"{name}.weight"))


def project(at: Attention, position: int, names: list[str], head: int) -> Sequence[ir.Value]:
    """One map for several projections, cut into them."""
    source = at.operand(position)
    width = at.op.heads * head * len(names)
    label = "_".join(names)
    rows = source.type.with_shape(rows_type(source.type).shape[0], width)
    parts = ("weight", "bias") if at.op.projection_bias else ("weight",)
    scaled = "query" in names and not is_tied(at, "query")
    weights = [joined_weights(at, names, part, label, head if scaled else 1) for part in parts]
    maps = at.emit(*("Gemm", at.convert(source, ROWS), *weights), type=rows, label=label, transB=1)
    if "query" in names and not scaled:
        scale = at.number(1 / sqrt(head))
        maps = at.emit("Mul", maps, scale, type=rows, label=f"{label}_scaled")
    batch, time = source.type.shape[:2]
    together = source.type.with_shape(batch, time, at.op.heads * len(names), head)
    split = at.sizes.reshape(maps, rows, together, f"{at.path}/{label}_heads")
    if len(names) == 1:
        return [split]
    one = together.with_shape(batch, time, at.op.heads, head)
    sizes = at.graph.integers(*[at.op.heads] * len(names))
    outputs = [(f"{at.path}/{name}", one) for name in names]
    return at.graph.node("Split", [split, sizes], outputs, {"axis": 2})


def joined_weights(at: Attention, names: list[str], part: str, label: str, head: int) -> ir.Value:
    """The weights of several projections in one tensor, the query's with the scale in it."""
    sources = [f"{name}.{part}" for name in names]
    if len(names) == 1 and head == 1:
        return at.weight(sources[0])

    def make() -> Any:
        arrays = [at.array(source) for source in sources]
        if "query" in names and head != 1:
            arrays[0] = arrays[0] * arrays[0].dtype.type(1 / sqrt(head))
        return np.concatenate(arrays)

    return at.prepared(f"{label}.{part}", sources, make)


def full_mask(at: Attention, time: DimLike, places: DimLike) -> ir.Value | None:
    """What is added to the scores, or None where every query sees everything."""
    given = at.operands[3] if len(at.operands) > 3 else None
    parts: list[ir.Value] = []
    if given is not None:
        value = at.convert(given, WHOLE)
        parts.append(at.graph.shared(("mask", value), lambda: given_mask(at, value, given.type)))
    if at.op.causal:
        key = ("causal", at.type.dtype, str(time), str(places))
        parts.append(at.graph.shared(key, lambda: causal_mask(at, time, places)))
    if len(parts) < 2:
        return parts[0] if parts else None
    assert given is not None
    shapes = [mask_type(given.type).shape, (time, places)]
    type = TensorType(at.type.dtype, broadcast(Check(None), "mask", shapes))
    key = ("masks", parts[0], parts[1])
    return at.graph.shared(key, lambda: at.graph.node("Add", parts, [("mask/both", type)])[0])


def mask_type(type: TensorType) -> TensorType:
    """The type of a mask as it meets `[N, heads, T, S]`."""
    return type.with_shape(type.shape[0], 1, 1, type.shape[1]) if type.rank == 2 else type


def given_mask(at: Attention, mask: ir.Value, type: TensorType) -> ir.Value:
    """A boolean mask, true where attended, as what is added to scores."""
    wide = mask_type(type)
    if wide is not type:
        axes = at.graph.integers(1, 2)
        mask = at.graph.node("Unsqueeze", [mask, axes], [("mask/given", wide)])[0]
    inputs = [mask, at.number(0.0), at.number(HIDDEN[at.type.dtype])]
    outputs = [("mask/added", wide.with_dtype(at.type.dtype))]
    return at.graph.node("Where", inputs, outputs)[0]


def causal_mask(at: Attention, time: DimLike, places: DimLike) -> ir.Value:
    """A mask that lets query t see keys up to t + S - T."""
    type = TensorType(at.type.dtype, (time, places))
    number = ir.tensor(np.array([HIDDEN[type.dtype]], numpy_dtype(type.dtype)))
    shape, outputs = at.sizes.shape((time, places)), [("mask/hidden", type)]
    hidden = at.graph.node("ConstantOfShape", [shape], outputs, {"value": number})[0]
    ahead = places - time + 1
    first = at.number(ahead, "i64") if isinstance(ahead, int) else scalar(at, ahead)
    return at.graph.node("Trilu", [hidden, first], [("mask/causal", type)], {"upper": 1})[0]


def scalar(at: Attention, size: DimLike) -> ir.Value:
    """A size as a scalar."""
    outputs = [("mask/first", TensorType("i64", ()))]
    return at.graph.node("Squeeze", [at.sizes.size(size)], outputs)[0]
