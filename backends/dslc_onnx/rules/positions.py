"""Attention without projections, and positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ir.types import TensorType
from dslc.ops.positions import (
    Alibi,
    LearnedPosition,
    RelativePositionBias,
    RotaryEmbedding,
    SinusoidalPosition,
)
from dslc.ops.scaled_attention import ScaledDotProductAttention
from dslc_onnx.rules import RULES
from dslc_onnx.rules.attention import full_mask
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(ScaledDotProductAttention)
def scaled_dot_product_attention(at: Lowering[ScaledDotProductAttention]) -> Result:
    """`softmax(q k * scale + bias + mask) v`; shared heads of keys are gathered."""
    query, key = at.operand(0).type, at.operand(1).type
    time, places = query.shape[2], key.shape[2]
    scores = query.with_shape(*query.shape[:3], places)
    keys, values = shared_heads(at, 1, "keys"), shared_heads(at, 2, "values")
    equation = "bhtd,bhsd->bhts"
    y = at.emit("Einsum", at.input(0), keys, type=scores, label="scores", equation=equation)
    scale = at.op.scale
    scale = at.known(query.shape[3], "head") ** -0.5 if scale is None else scale
    y = at.emit("Mul", y, at.number(scale), type=scores, label="scaled")
    if len(at.operands) > 4 and at.operands[4] is not None:
        y = at.emit("Add", y, at.input(4), type=scores, label="biased")
    mask = full_mask(at, time, places)
    if mask is not None:
        y = at.emit("Add", y, mask, type=scores, label="masked")
    shares = at.emit("Softmax", y, type=scores, label="shares", axis=-1)
    return at.emit("Einsum", shares, values, equation="bhts,bhsd->bhtd")


def shared_heads(at: Lowering[Any], position: int, label: str) -> ir.Value:
    """Keys or values with a head for each of the queries'."""
    wanted, type = at.operand(0).type.shape[1], at.operand(position).type
    if type.shape[1] == wanted:
        return at.input(position)
    heads, own = at.known(wanted, "heads"), at.known(type.shape[1], "heads")
    index = at.graph.integers(*(head * own // heads for head in range(heads)))
    wide = type.with_shape(type.shape[0], heads, *type.shape[2:])
    return at.emit("Gather", at.input(position), index, type=wide, label=label, axis=1)


def rates(at: Lowering[Any], dim: int) -> ir.Value:
    """How fast each angle grows, `base ** (-2 i / dim)`."""
    base, dtype = at.op.base, at.type.dtype

    def make() -> Any:
        return (base ** (-np.arange(0, dim, 2) / dim)).astype(numpy_dtype(dtype))

    key = ("rates", dtype, base, dim)
    return at.graph.initializer(key, f"constant/rates[{base:g},{dim}]", make)


def places_in_order(at: Lowering[Any], start: DimLike, stop: DimLike) -> ir.Value:
    """The integers from one size up to another, in the step's dtype."""
    dtype, count = at.type.dtype, stop - start

    def make() -> ir.Value:
        ends = [scalar(at, start), scalar(at, stop), at.number(1, "i64")]
        name, type = f"places/[{start},{stop}]", TensorType("i64", (count,))
        found = at.graph.node("Range", ends, [(name, type)])[0]
        outputs = [(f"{name}/{dtype}", type.with_dtype(dtype))]
        return at.graph.node("Cast", [found], outputs, {"to": DTYPES[dtype].value})[0]

    return at.graph.shared(("places", dtype, str(start), str(stop)), make)


def scalar(at: Lowering[Any], size: DimLike) -> ir.Value:
    """A size as a value of no axes."""
    if isinstance(size, int):
        return at.number(size, "i64")
    outputs = [(f"size/{size}/scalar", TensorType("i64", ()))]
    key = ("size scalar", str(size))
    return at.graph.shared(key, lambda: at.graph.node("Squeeze", [at.sizes.size(size)], outputs)[0])


def in_dtype(at: Lowering[Any], position: int) -> tuple[ir.Value, TensorType]:
    """Positions in the step's dtype."""
    given = at.operand(position).type
    type = given.with_dtype(at.type.dtype)
    if given == type:
        return at.input(position), type
    value = at.input(position)
    to = DTYPES[type.dtype].value
    return at.emit("Cast", value, type=type, label="positions", to=to), type


@RULES.add(RotaryEmbedding)
def rotary_embedding(at: Lowering[RotaryEmbedding]) -> Result:
    """Pairs `(a, b)` as `(a cos - b sin, b cos + a sin)`."""
    type = at.type
    dim, width = at.known(at.op.turned(type.shape[-1]), "dim"), type.shape[-1]
    cos, sin = (turns(at, function, dim) for function in ("Cos", "Sin"))
    x, rest = at.input(), None
    if dim != width:
        sizes = at.sizes.shape((dim, width - dim))
        parts = [("turning", dim), ("rest", width - dim)]
        outputs = [(f"{at.path}/{n}", type.with_shape(*type.shape[:-1], s)) for n, s in parts]
        x, rest = at.graph.node("Split", [x, sizes], outputs, {"axis": type.rank - 1})
    whole = type.with_shape(*type.shape[:-1], dim)
    pairs, axis = halves(at, x, whole)
    half = whole.with_shape(*whole.shape[:-1], dim // 2)
    found: list[ir.Value] = []
    for op_type, (a, b), label in (("Sub", pairs, "first"), ("Add", pairs[::-1], "second")):
        left = at.emit("Mul", a, cos, type=half, label=f"{label}_cos")
        right = at.emit("Mul", b, sin, type=half, label=f"{label}_sin")
        found.append(at.emit(op_type, left, right, type=half, label=label))
    if axis is None:
        return at.emit("Concat", *found, *([] if rest is None else [rest]), axis=type.rank - 1)
    apart = whole.with_shape(*half.shape, 2)
    one = apart.with_shape(*half.shape, 1)
    last = at.graph.integers(axis)
    wide = [at.emit("Unsqueeze", y, last, type=one, label="pair") for y in found]
    joined = at.emit("Concat", *wide, type=apart, label="pairs", axis=axis)
    if rest is None:
        return at.sizes.reshape(joined, apart, whole, at.path)
    turned = at.sizes.reshape(joined, apart, whole, f"{at.path}/turned")
    return at.emit("Concat", turned, rest, axis=type.rank - 1)


def halves(at: Lowering[Any], x: ir.Value, whole: TensorType) -> tuple[list[ir.Value], int | None]:
    """Both numbers of each pair; and the axis that pairs had, where neighbours are pairs."""
    *before, dim = whole.shape
    half = whole.with_shape(*before, dim // 2)
    outputs = [(f"{at.path}/{name}", half) for name in ("a", "b")]
    if not at.op.interleaved:
        sizes = at.sizes.shape((dim // 2, dim // 2))
        return at.graph.node("Split", [x, sizes], outputs, {"axis": whole.rank - 1}), None
    ends = [("a", 0), ("b", 1)]
    axis, steps = at.graph.integers(whole.rank - 1), at.graph.integers(2)
    stop = at.graph.integers(np.iinfo(np.int64).max)
    return [
        at.emit("Slice", x, at.graph.integers(first), stop, axis, steps, type=half, label=name)
        for name, first in ends
    ], whole.rank


def turns(at: Lowering[Any], function: str, dim: int) -> ir.Value:
    """The cosine or sine of every angle, as it meets `[N, …, T, dim / 2]`."""
    time = at.type.shape[-2]
    given = at.operands[1] if len(at.operands) > 1 else None
    dtype, name = at.type.dtype, function.lower()
    type = TensorType(dtype, (time, dim // 2))
    if given is None:
        places = places_in_order(at, 0, time)

        def make() -> ir.Value:
            wide = [places, at.graph.integers(1)]
            column = at.graph.node(
                "Unsqueeze", wide, [(f"turns/{name}/t", type.with_shape(time, 1))]
            )
            angles = [(f"turns/{name}/angles", type)]
            angle = at.graph.node("Mul", [column[0], rates(at, dim)], angles)
            return at.graph.node(function, angle, [(f"turns/{name}", type)])[0]

        return at.graph.shared(("turns", function, dtype, str(time), dim, at.op.base), make)
    value, own = in_dtype(at, 1)
    added = [own.rank] + ([1] if own.rank == 2 and at.type.rank == 4 else [])
    shape = [*own.shape, 1]
    if len(added) > 1:
        shape, added = [own.shape[0], 1, own.shape[1], 1], [1, 3]
    column = own.with_shape(*shape)
    axes = at.graph.integers(*added)
    wide = at.emit("Unsqueeze", value, axes, type=column, label=f"{name}_t")
    full = own.with_shape(*shape[:-1], dim // 2)
    angles = at.emit("Mul", wide, rates(at, dim), type=full, label=f"{name}_angles")
    return at.emit(function, angles, type=full, label=name)


@RULES.add(SinusoidalPosition)
def sinusoidal_position(at: Lowering[SinusoidalPosition]) -> Result:
    """`Sin` and `Cos` of the angles, side by side or one behind the other."""
    dim, type = at.known(at.op.dim, "dim"), at.type
    value, own = in_dtype(at, 0)
    rank = own.rank
    one, half = own.with_shape(*own.shape, 1), own.with_shape(*own.shape, dim // 2)
    column = at.emit("Unsqueeze", value, at.graph.integers(rank), type=one, label="column")
    angles = at.emit("Mul", column, rates(at, dim), type=half, label="angles")
    parts = [at.emit(f, angles, type=half, label=f.lower()) for f in ("Sin", "Cos")]
    if not at.op.interleaved:
        return at.emit("Concat", *parts, axis=rank)
    pair, apart = half.with_shape(*half.shape, 1), half.with_shape(*half.shape, 2)
    last = at.graph.integers(rank + 1)
    wide = [at.emit("Unsqueeze", part, last, type=pair, label="pair") for part in parts]
    joined = at.emit("Concat", *wide, type=apart, label="pairs", axis=rank + 1)
    return at.sizes.reshape(joined, apart, type, at.path)


@RULES.add(LearnedPosition)
def learned_position(at: Lowering[LearnedPosition]) -> Result:
    """`Slice` of the table, then `Add`."""
    type = at.type
    start = at.op.offset + at.op.start
    ends = [at.sizes.size(start), at.sizes.size(start + type.shape[-2]), at.graph.integers(0)]
    rows = type.with_shape(*type.shape[-2:])
    table = at.emit("Slice", at.weight("weight"), *ends, type=rows, label="rows")
    return at.emit("Add", at.input(), table)


@RULES.add(Alibi)
def alibi(at: Lowering[Alibi]) -> Result:
    """Distances of places, times a slope for each head."""
    heads = at.known(at.op.heads, "heads")
    _, time, places = at.type.shape
    own, keys = places_in_order(at, places - time, places), places_in_order(at, 0, places)
    table = at.type.with_shape(time, places)
    column = at.type.with_shape(time, 1)
    own = at.emit("Unsqueeze", own, at.graph.integers(1), type=column, label="own")
    apart = at.emit("Sub", keys, own, type=table, label="apart")
    distance = at.emit("Abs", apart, type=table, label="distance")
    dtype = numpy_dtype(at.type.dtype)

    def make() -> Any:
        return -np.array(slopes(heads), dtype).reshape(-1, 1, 1)

    key = ("alibi", heads, at.type.dtype)
    factors = at.graph.initializer(key, f"constant/slopes[{heads}]", make)
    return at.emit("Mul", distance, factors)


def slopes(heads: int) -> list[float]:
    """The slopes of the heads; beside a power of two, every other one of twice as many."""
    power = 1 << (heads.bit_length() - 1)
    found = [2 ** (-8 * (k + 1) / power) for k in range(power)]
    return found + [2 ** (-4 * (2 * k + 1) / power) for k in range(heads - power)]


@RULES.add(RelativePositionBias)
def relative_position_bias(at: Lowering[RelativePositionBias]) -> Result:
    """`Gather` of the rows, then heads to the front."""
    window = tuple(at.known(size, "window") for size in at.op.window)
    heads, places, _ = at.type.shape
    key, name = ("ways", window), f"constant/ways{list(window)}".replace(" ", "")
    index = at.graph.initializer(key, name, lambda: ways(window))
    rows = at.type.with_shape(places, places, heads)
    picked = at.emit("Gather", at.weight("weight"), index, type=rows, label="picked", axis=0)
    return at.emit("Transpose", picked, perm=[2, 0, 1])


def ways(window: tuple[int, ...]) -> Any:
    """The row of each way from one place of a window to another."""
    index = np.zeros(1, np.int64)
    for axis, size in zip(np.indices(window), window, strict=True):
        place = axis.ravel()
        index = index * (2 * size - 1) + place[:, None] - place + size - 1
    return index
