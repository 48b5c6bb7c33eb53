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
from dslc_onnx.rotation import Rotation, rotated
from dslc_onnx.rules import RULES
from dslc_onnx.rules.norm import rms_normalised
from dslc_onnx.types import HIDDEN, numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

    Attention = Lowering[MultiHeadAttention]


@RULES.add(MultiHeadAttention)
def attention(at: Attention) -> Result:
    """`softmax(q k + bias + mask) v` between projections; see the top of this file."""
    head = at.known(at.op.size_of_head(Check(None), at.type.shape[2]), "head_dim")
    joined = fused(at, head) if is_fused(at) else apart(at, head)
    at.form = ROWS
    bias = [at.weight("out.bias")] if "out" in at.op.projection_bias else []
    return at.emit("Gemm", joined, at.weight("out.weight"), *bias, transB=1)


def is_fused(at: Attention) -> bool:
    """Whether one operator does it all: from opset 23 on, as onnxruntime has it.

    That is in float32, and with a mask, if there is one, of its own for each query.
    """
    if at.graph.opset < 23 or at.type.dtype != "f32":
        return False
    time, places = at.type.shape[1], at.operand(1).type.shape[1]
    shapes = added_shapes(at, time, places)
    whole = broadcast(Check(None), "mask", shapes) if shapes else (time, places)
    return whole[-2:] == (time, places)


def added_shapes(at: Attention, time: DimLike, places: DimLike) -> list[tuple[DimLike, ...]]:
    """The shapes of what is added to scores: a mask, a bias, and what hides keys by their place."""
    given, bias = ([*at.operands, None, None][k] for k in (3, 4))
    shapes = [] if given is None else [mask_type(given.type).shape]
    shapes += [] if bias is None else [bias.type.shape]
    return [*shapes, *([(time, places)] if hides_places(at) else [])]


def fused(at: Attention, head: int) -> ir.Value:
    """`Attention`, whose heads lie side by side in rows; the scale is in the queries already."""
    inputs: list[ir.Value | None] = []
    for position, (name, value) in enumerate(heads(at, head, share=False).items()):
        type, count = at.operand(position).type, count_of(at, name)
        old = type.with_shape(*type.shape[:2], count, head)
        new = type.with_shape(*type.shape[:2], count * head)
        inputs.append(at.sizes.reshape(value, old, new, f"{at.path}/{name}_flat"))
    batch, time, places = *at.type.shape[:2], at.operand(1).type.shape[1]
    added = full_mask(at, time, places)
    if len(at.operands) > 4 and at.operands[4] is not None:
        bias = at.convert(at.operands[4], WHOLE)
        if added is not None:
            shape = broadcast(Check(None), "mask", added_shapes(at, time, places))
            type = at.type.with_shape(*shape)
            bias = at.emit("Add", added, bias, type=type, label="added")
        added = bias
    inputs += [] if added is None else [added]
    counts = {"q_num_heads": at.known(at.op.heads, "heads")}
    counts["kv_num_heads"] = at.known(at.op.shared_heads(), "kv_heads")
    seen = at.type.with_shape(batch, time, at.op.heads * head)
    y = at.emit("Attention", *inputs, type=seen, label="seen", scale=1.0, **counts)
    told = seeing(at, time, places, 1)
    if told is not None:
        type = at.type.with_shape(batch, time, at.op.heads, head)
        y = at.sizes.reshape(y, seen, type, f"{at.path}/by_head")
        y, seen = at.emit("Mul", y, told, type=type, label="heard"), type
    wide = at.type.with_shape(batch, time, at.op.heads * head)
    return at.sizes.reshape(y, seen, rows_type(wide), f"{at.path}/joined")


def apart(at: Attention, head: int) -> ir.Value:
    """Scores, their softmax, and what they weigh, as rows."""
    query, key, value = heads(at, head, share=True).values()
    (batch, time, _), places = at.type.shape, at.operand(1).type.shape[1]
    shape = at.type.with_shape(batch, at.op.heads, time, places)
    scores = at.emit("Einsum", query, key, type=shape, label="scores", equation="bthd,bshd->bhts")
    if len(at.operands) > 4 and at.operands[4] is not None:
        bias = at.convert(at.operands[4], WHOLE)
        scores = at.emit("Add", scores, bias, type=shape, label="biased")
    mask = full_mask(at, time, places)
    if mask is not None:
        scores = at.emit("Add", scores, mask, type=shape, label="masked")
    shares = at.emit("Softmax", scores, type=shape, label="shares", axis=-1)
    type = at.type.with_shape(batch, time, at.op.heads, head)
    told, weighed, equation = seeing(at, time, places, 1), [shares, value], "bhts,bshd->bthd"
    if told is not None and is_padding(at):
        weighed, equation = [*weighed, told], "bhts,bshd,bijk->bthd"  # no node of its own
    seen = at.emit("Einsum", *weighed, type=type, label="seen", equation=equation)
    if told is not None and not is_padding(at):
        seen = at.emit("Mul", seen, told, type=type, label="heard")
    inner = at.type.with_shape(rows_type(at.type).shape[0], at.op.heads * head)
    return at.sizes.reshape(seen, at.type.with_shape(), inner, f"{at.path}/joined")


def heads(at: Attention, head: int, *, share: bool) -> dict[str, ir.Value]:
    """Queries, keys and values as `[N, T, heads, head]`, normalised, turned.

    Where they `share`, keys and values have a head for each of the queries'.
    """
    found: dict[str, ir.Value] = {}
    for position, names in groups(at):
        found.update(zip(names, project(at, position, names, head), strict=True))
    parts: dict[str, ir.Value] = {}
    for position, name in enumerate(("query", "key", "value")):
        value, source = found[name], at.operand(position).type
        type = source.with_shape(*source.shape[:2], count_of(at, name), head)
        if name != "value" and at.op.qk_norm:
            value = normalised(at, value, type, name)
        if name != "value" and at.op.rotary:
            value = turned(at, value, type, name)
        alone = name == "query" or not share
        parts[name] = value if alone else repeated(at, value, type, name)
    return parts


def count_of(at: Attention, name: str) -> DimLike:
    """How many heads a projection has."""
    return at.op.heads if name == "query" else at.op.shared_heads()


def normalised(at: Attention, x: ir.Value, type: TensorType, name: str) -> ir.Value:
    """Heads divided by their root mean square and scaled, the queries by the scores' factor too."""
    path, factor = f"{name}_norm.weight", scale_of(at, type.shape[3]) if name == "query" else 1.0

    def make() -> Any:
        array = at.array(path)
        return array * array.dtype.type(factor)

    weight = at.weight(path) if factor == 1 else at.prepared(f"{name}_norm.scaled", [path], make)
    return rms_normalised(at, x, weight, type, at.op.values["qk_norm.eps"], f"{name}_norm")


def turned(at: Attention, x: ir.Value, type: TensorType, name: str) -> ir.Value:
    """Heads turned by their places; query t is at place `t + S - T`."""
    time, places = type.shape[1], at.operand(1).type.shape[1]
    values, dim = at.op.values, at.op.values["rotary.dim"]
    size = at.known(type.shape[3] if dim is None else dim, "rotary.dim")
    pairs = Rotation(values["rotary.base"], size, values["rotary.interleaved"])
    start = places - time if name == "query" else 0
    turns = pairs.turns(at, start, start + time, per_head=True)
    return rotated(at, x, type, pairs, turns, f"{name}_turned")


def repeated(at: Attention, x: ir.Value, type: TensorType, name: str) -> ir.Value:
    """Keys or values with a head for each of the queries'."""
    if at.op.kv_heads is None or at.op.kv_heads == at.op.heads:
        return x
    count = at.known(at.op.heads, "heads")
    groups = count // at.known(at.op.kv_heads, "kv_heads")
    index = at.graph.integers(*(head // groups for head in range(count)))
    wide = type.with_shape(*type.shape[:2], count, type.shape[3])
    return at.emit("Gather", x, index, type=wide, label=f"{name}_shared", axis=2)


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


def scale_of(at: Attention, head: Any) -> float:
    """The factor of the scores."""
    return 1 / sqrt(head) if at.op.scale is None else at.op.scale


def project(at: Attention, position: int, names: list[str], head: int) -> Sequence[ir.Value]:
    """One map for several projections, cut into them."""
    source = at.operand(position)
    counts = [count_of(at, name) for name in names]
    total = sum(counts[1:], counts[0])
    label = "_".join(names)
    rows = source.type.with_shape(rows_type(source.type).shape[0], total * head)
    biased = any(name in at.op.projection_bias for name in names)
    parts = ("weight", "bias") if biased else ("weight",)
    wanted = "query" in names and not at.op.qk_norm
    scaled = wanted and not is_tied(at, "query")
    factor = scale_of(at, head) if wanted else 1.0
    weights = [joined_weights(at, names, part, label, factor if scaled else 1) for part in parts]
    maps = at.emit(*("Gemm", at.convert(source, ROWS), *weights), type=rows, label=label, transB=1)
    if wanted and not scaled and factor != 1:
        maps = at.emit("Mul", maps, at.number(factor), type=rows, label=f"{label}_scaled")
    batch, time = source.type.shape[:2]
    together = source.type.with_shape(batch, time, total, head)
    split = at.sizes.reshape(maps, rows, together, f"{at.path}/{label}_heads")
    if len(names) == 1:
        return [split]
    sizes = at.sizes.shape(tuple(counts))
    outputs = [
        (f"{at.path}/{name}", together.with_shape(batch, time, count, head))
        for name, count in zip(names, counts, strict=True)
    ]
    return at.graph.node("Split", [split, sizes], outputs, {"axis": 2})


def joined_weights(
    at: Attention, names: list[str], part: str, label: str, factor: float
) -> ir.Value:
    """The weights of several projections in one tensor, the query's with the scale in it."""
    sources = [f"{name}.{part}" for name in names]
    has = [part == "weight" or name in at.op.projection_bias for name in names]
    if len(names) == 1 and factor == 1:
        return at.weight(sources[0])

    def make() -> Any:
        arrays = [
            at.array(source) if there else np.zeros_like(at.array(f"{name}.weight")[:, 0])
            for source, name, there in zip(sources, names, has, strict=True)
        ]
        if "query" in names and factor != 1:
            arrays[0] = arrays[0] * arrays[0].dtype.type(factor)
        return np.concatenate(arrays)

    there = [source for source, given in zip(sources, has, strict=True) if given]
    return at.prepared(f"{label}.{part}", there, make)


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


def seeing(at: Lowering[Any], time: DimLike, places: DimLike, axis: int) -> ir.Value | None:
    """1 where a query sees a key and 0 where it sees none; None where each is taken to see one.

    The heads lie on axis 1 or behind the queries, on axis 2; `axis` is that of the queries.
    """
    given = at.operands[3] if len(at.operands) > 3 else None
    added = full_mask(at, time, places)
    if given is None or added is None:
        return None
    shapes = [mask_type(given.type).shape]
    shapes += [(time, places)] if hides_places(at) else []
    sizes = broadcast(Check(None), "mask", shapes)[:-1]
    type = at.type.with_shape(*sizes, 1)
    turns = axis == 1 and len(sizes) > 1 and not sizes[-2] == sizes[-1] == 1

    def make() -> ir.Value:
        inputs, last = [added], type.rank - 1
        options: dict[str, Any] = {"axes": [last]}
        if at.graph.opset >= 18:
            inputs, options = [added, at.graph.integers(last)], {}
        most = at.graph.node("ReduceMax", inputs, [("mask/most", type)], options)[0]
        told = at.graph.node("Exp", [most], [("mask/seeing", type)])[0]
        if not turns:
            return told
        order = [*range(type.rank - 3), type.rank - 2, type.rank - 3, type.rank - 1]
        turned = type.with_shape(*(type.shape[k] for k in order))
        outputs = [("mask/seeing_by_head", turned)]
        return at.graph.node("Transpose", [told], outputs, {"perm": order})[0]

    return at.graph.shared(("seeing", added, axis), make)


def is_padding(at: Lowering[Any]) -> bool:
    """Whether a mask alone tells what is seen, the same for all queries of a sequence."""
    given = at.operands[3] if len(at.operands) > 3 else None
    return given is not None and given.type.rank == 2 and not hides_places(at)


def hides_places(at: Lowering[Any]) -> bool:
    """Whether what a query sees depends on its place."""
    return at.op.causal or at.op.values.get("window") is not None


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
