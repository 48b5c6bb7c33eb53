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
from dslc_onnx.rotation import Rotation, places_in_order, rates, rotated
from dslc_onnx.rules import RULES
from dslc_onnx.rules.attention import full_mask, seeing
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    import onnx_ir as ir

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
    told = seeing(at, time, places, 2)
    if told is None:
        return at.emit("Einsum", shares, values, equation="bhts,bhsd->bhtd")
    seen = at.emit("Einsum", shares, values, type=at.type, label="seen", equation="bhts,bhsd->bhtd")
    return at.emit("Mul", seen, told)


def shared_heads(at: Lowering[Any], position: int, label: str) -> ir.Value:
    """Keys or values with a head for each of the queries'."""
    wanted, type = at.operand(0).type.shape[1], at.operand(position).type
    if type.shape[1] == wanted:
        return at.input(position)
    heads, own = at.known(wanted, "heads"), at.known(type.shape[1], "heads")
    index = at.graph.integers(*(head * own // heads for head in range(heads)))
    wide = type.with_shape(type.shape[0], heads, *type.shape[2:])
    return at.emit("Gather", at.input(position), index, type=wide, label=label, axis=1)


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
    type, op = at.type, at.op
    pairs = Rotation(op.base, at.known(op.turned(type.shape[-1]), "dim"), op.interleaved)
    return rotated(at, at.input(), type, pairs, turns(at, pairs))


def turns(at: Lowering[RotaryEmbedding], pairs: Rotation) -> list[ir.Value]:
    """The cosine and sine of every angle, as they meet `[N, …, T, dim / 2]`."""
    if len(at.operands) < 2 or at.operands[1] is None:
        return pairs.turns(at, 0, at.type.shape[-2])
    value, own = in_dtype(at, 1)
    added, shape = [own.rank], [*own.shape, 1]
    if own.rank == 2 and at.type.rank == 4:
        added, shape = [1, 3], [own.shape[0], 1, own.shape[1], 1]
    column, full = own.with_shape(*shape), own.with_shape(*shape[:-1], pairs.dim // 2)
    axes = at.graph.integers(*added)
    wide = at.emit("Unsqueeze", value, axes, type=column, label="column")
    angles = at.emit("Mul", wide, rates(at, pairs.base, pairs.dim), type=full, label="angles")
    return [at.emit(name, angles, type=full, label=name.lower()) for name in ("Cos", "Sin")]


@RULES.add(SinusoidalPosition)
def sinusoidal_position(at: Lowering[SinusoidalPosition]) -> Result:
    """`Sin` and `Cos` of the angles, side by side or one behind the other."""
    dim, type = at.known(at.op.dim, "dim"), at.type
    value, own = in_dtype(at, 0)
    rank = own.rank
    one, half = own.with_shape(*own.shape, 1), own.with_shape(*own.shape, dim // 2)
    column = at.emit("Unsqueeze", value, at.graph.integers(rank), type=one, label="column")
    angles = at.emit("Mul", column, rates(at, at.op.base, dim), type=half, label="angles")
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
