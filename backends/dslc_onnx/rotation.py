"""Pairs of numbers turned by angles that grow with the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dslc.ir.types import TensorType
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering


class Rotation(NamedTuple):
    """Which numbers are turned, and how fast.

    Attributes:
        base: The base of the angles.
        dim: How many numbers are turned.
        interleaved: Whether neighbours are pairs.
    """

    base: float
    dim: int
    interleaved: bool

    def turns(
        self, at: Lowering[Any], start: DimLike, stop: DimLike, *, per_head: bool = False
    ) -> list[ir.Value]:
        """The cosine and sine of every angle of some places, made once for all layers.

        `[T, dim / 2]`, or with `per_head`, where heads stand between place and numbers,
        `[T, 1, dim / 2]`.
        """
        dtype, time = at.type.dtype, stop - start
        places = places_in_order(at, start, stop)
        column = TensorType(dtype, (time, *((1,) if per_head else ()), 1))
        full = column.with_shape(*column.shape[:-1], self.dim // 2)
        added = at.graph.integers(*range(1, column.rank))
        key = (dtype, str(start), str(stop), self.dim, self.base, per_head)

        def angles() -> ir.Value:
            wide = at.graph.node("Unsqueeze", [places, added], [("turns/t", column)])
            factors = [wide[0], rates(at, self.base, self.dim)]
            return at.graph.node("Mul", factors, [("turns/angles", full)])[0]

        def make(function: str) -> ir.Value:
            found = at.graph.shared(("angles", *key), angles)
            name = f"turns/{function.lower()}"
            return at.graph.node(function, [found], [(name, full)])[0]

        return [
            at.graph.shared((name, *key), lambda name=name: make(name)) for name in ("Cos", "Sin")
        ]


def rotated(
    at: Lowering[Any],
    x: ir.Value,
    type: TensorType,
    pairs: Rotation,
    turns: list[ir.Value],
    label: str = "",
) -> ir.Value:
    """Pairs `(a, b)` as `(a cos - b sin, b cos + a sin)`, and the numbers behind them as they are."""
    (cos, sin), dim, last = turns, pairs.dim, type.rank - 1
    width, rest = type.shape[-1], None
    if dim != width:
        sizes = at.sizes.shape((dim, width - dim))
        parts = [("turning", dim), ("rest", width - dim)]
        outputs = [(f"{at.path}/{n}", type.with_shape(*type.shape[:-1], s)) for n, s in parts]
        x, rest = at.graph.node("Split", [x, sizes], outputs, {"axis": last})
    whole = type.with_shape(*type.shape[:-1], dim)
    found, axis = halves(at, x, whole, pairs)
    half = whole.with_shape(*whole.shape[:-1], dim // 2)
    both: list[ir.Value] = []
    for op_type, (a, b), name in (("Sub", found, "first"), ("Add", found[::-1], "second")):
        left = at.emit("Mul", a, cos, type=half, label=f"{name}_cos")
        right = at.emit("Mul", b, sin, type=half, label=f"{name}_sin")
        both.append(at.emit(op_type, left, right, type=half, label=name))
    behind = [] if rest is None else [rest]
    if axis is None:
        return at.emit("Concat", *both, *behind, type=type, label=label, axis=last)
    apart = whole.with_shape(*half.shape, 2)
    one = apart.with_shape(*half.shape, 1)
    added = at.graph.integers(axis)
    wide = [at.emit("Unsqueeze", y, added, type=one, label="pair") for y in both]
    joined = at.emit("Concat", *wide, type=apart, label="pairs", axis=axis)
    if rest is None:
        return at.sizes.reshape(joined, apart, whole, f"{at.path}/{label}".rstrip("/"))
    turned = at.sizes.reshape(joined, apart, whole, f"{at.path}/turned")
    return at.emit("Concat", turned, rest, type=type, label=label, axis=last)


def halves(
    at: Lowering[Any], x: ir.Value, whole: TensorType, pairs: Rotation
) -> tuple[list[ir.Value], int | None]:
    """Both numbers of each pair; and the axis that pairs had, where neighbours are pairs."""
    *before, dim = whole.shape
    half = whole.with_shape(*before, dim // 2)
    outputs = [(f"{at.path}/{name}", half) for name in ("a", "b")]
    if not pairs.interleaved:
        sizes = at.sizes.shape((dim // 2, dim // 2))
        return at.graph.node("Split", [x, sizes], outputs, {"axis": whole.rank - 1}), None
    ends = [("a", 0), ("b", 1)]
    axis, steps = at.graph.integers(whole.rank - 1), at.graph.integers(2)
    stop = at.graph.integers(np.iinfo(np.int64).max)
    return [
        at.emit("Slice", x, at.graph.integers(first), stop, axis, steps, type=half, label=name)
        for name, first in ends
    ], whole.rank


def rates(at: Lowering[Any], base: float, dim: int) -> ir.Value:
    """How fast each angle grows, `base ** (-2 i / dim)`."""
    dtype = at.type.dtype

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
