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


def full_mask(at: Lowering[Any], time: DimLike, places: DimLike) -> ir.Value | None:
    """What is added to the scores, or None where every query sees everything."""
    given = at.operands[3] if len(at.operands) > 3 else None
    parts: list[tuple[ir.Value, TensorType]] = []
    if given is not None:
        value = at.convert(given, WHOLE)
        mask = at.graph.shared(("mask", value), lambda: given_mask(at, value, given.type))
        parts.append((mask, mask_type(given.type).with_dtype(at.type.dtype)))
    plain = TensorType(at.type.dtype, (time, places))
    window = at.op.values.get("window")
    if at.op.causal or window is not None:
        ahead = 1 if at.op.causal else window
        parts.append((triangle(at, plain, places - time + ahead, upper=True), plain))
    if window is not None:
        parts.append((triangle(at, plain, places - time - window, upper=False), plain))
    if not parts:
        return None
    (total, type), *rest = parts
    for part, other in rest:
        type = type.with_shape(*broadcast(Check(None), "mask", [type.shape, other.shape]))
        key, outputs = ("masks", total, part), [("mask/both", type)]
        inputs = [total, part]
        total = at.graph.shared(key, lambda i=inputs, o=outputs: at.graph.node("Add", i, o)[0])
    return total


def mask_type(type: TensorType) -> TensorType:
    """The type of a mask as it meets `[N, heads, T, S]`."""
    return type.with_shape(type.shape[0], 1, 1, type.shape[1]) if type.rank == 2 else type


def given_mask(at: Lowering[Any], mask: ir.Value, type: TensorType) -> ir.Value:
    """A boolean mask, true where attended, as what is added to scores."""
    wide = mask_type(type)
    if wide is not type:
        axes = at.graph.integers(1, 2)
        mask = at.graph.node("Unsqueeze", [mask, axes], [("mask/given", wide)])[0]
    inputs = [mask, at.number(0.0), at.number(HIDDEN[at.type.dtype])]
    outputs = [("mask/added", wide.with_dtype(at.type.dtype))]
    return at.graph.node("Where", inputs, outputs)[0]


def triangle(at: Lowering[Any], type: TensorType, first: DimLike, *, upper: bool) -> ir.Value:
    """Hides keys from a diagonal on, above or below it."""
    label = "above" if upper else "below"

    def make() -> ir.Value:
        number = ir.tensor(np.array([HIDDEN[type.dtype]], numpy_dtype(type.dtype)))
        shape, outputs = at.sizes.shape(type.shape), [("mask/hidden", type)]
        hidden = at.graph.node("ConstantOfShape", [shape], outputs, {"value": number})[0]
        start = at.number(first, "i64") if isinstance(first, int) else scalar(at, first)
        inputs, outputs = [hidden, start], [(f"mask/{label}", type)]
        return at.graph.node("Trilu", inputs, outputs, {"upper": int(upper)})[0]

    key = (label, type.dtype, *map(str, type.shape), str(first))
    return at.graph.shared(key, make)


def scalar(at: Lowering[Any], size: DimLike) -> ir.Value:
    """A size as a scalar."""
    outputs = [("mask/first", TensorType("i64", ()))]
    return at.graph.node("Squeeze", [at.sizes.size(size)], outputs)[0]
