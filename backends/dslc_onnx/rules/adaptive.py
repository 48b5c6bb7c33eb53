"""Adaptive pools: windows that divide are a pool's own, others are looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ir.types import TensorType
from dslc.ops.pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc.ir.dims import DimLike
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
def adaptive_pool(at: Lowering[Any]) -> Result:
    """A pool whose window is known, else reductions of windows whose places are looked up."""
    average, type = "avg" in at.op.name, at.operand().type
    out = [at.known(count, "out") for count in at.op.out]
    pairs = list(zip(out, type.shape[2:], strict=True))
    if all(isinstance(size, int) and size % count == 0 for count, size in pairs):
        window = [at.known(size // count, "out") for count, size in pairs]
        name = "AveragePool" if average else "MaxPool"
        return at.emit(name, at.input(), kernel_shape=window, strides=window)
    x = at.input()
    for axis, (count, size) in enumerate(pairs, 2):
        type = type.with_shape(*type.shape[:axis], count, *type.shape[axis + 1 :])
        label = "" if axis == type.rank - 1 else f"axis_{axis}"
        x = reduced_windows(at, x, (axis, count, size), type, label)
    return x


def reduced_windows(
    at: Lowering[Any], x: ir.Value, what: tuple[int, int, DimLike], type: TensorType, label: str
) -> ir.Value:
    """One axis of a value reduced to the mean or the largest of each of its windows."""
    (axis, count, size), average = what, "avg" in at.op.name
    name = "ReduceMean" if average else "ReduceMax"
    if count == 1:
        return reduced(at, name, x, [axis], type, label)
    places, share, length = windows_of(at, axis, count, size)
    wide = type.with_shape(*type.shape[:axis], count, length, *type.shape[axis + 1 :])
    found = at.emit("Gather", x, places, type=wide, label=f"windows_{axis}", axis=axis)
    if average:
        flat = TensorType(type.dtype, (count, length))
        behind = type.rank - axis - 1
        if behind:
            axes = at.graph.integers(*range(2, 2 + behind))
            upright = flat.with_shape(count, length, *[1] * behind)
            share = at.emit("Unsqueeze", share, axes, type=upright, label=f"shares_{axis}")
        found = at.emit("Mul", found, share, type=wide, label=f"weighed_{axis}")
        name = "ReduceSum"
    return reduced(at, name, found, [axis + 1], type, label, keep=False)


def windows_of(
    at: Lowering[Any], axis: int, count: int, size: DimLike
) -> tuple[ir.Value, ir.Value, DimLike]:
    """The places in each window, `[windows, longest]`, what each counts in a mean, and `longest`.

    Windows that are shorter hold their last place again, which counts nothing.
    """
    if isinstance(size, int):
        return known_windows(at, count, size)
    dtype, length = at.type.dtype, size // count + 2
    column, whole = TensorType("i64", (count, 1)), TensorType("i64", (count, length))

    def node(op_type: str, *inputs: ir.Value, type: TensorType = column, label: str) -> ir.Value:
        return at.emit(op_type, *inputs, type=type, label=f"{label}_{axis}")

    total, parts = at.sizes.size(size), at.number(count, "i64")
    edges: list[ir.Value] = []
    for label, first, more in (("begins", 0, 0), ("ends", 1, count - 1)):
        line = np.arange(first, first + count)[:, None]
        key = ("column", first, count)
        numbers = at.graph.initializer(key, f"constant/column{key[1:]}", lambda line=line: line)
        product = node("Mul", numbers, total, label=f"{label}_product")
        if more:
            product = node("Add", product, at.number(more, "i64"), label=f"{label}_sum")
        edges.append(node("Div", product, parts, label=label))
    begins, ends = edges
    stop = TensorType("i64", ())
    far = node("Squeeze", at.sizes.size(length), type=stop, label="longest")
    line = TensorType("i64", (length,))
    steps = node("Range", at.number(0, "i64"), far, at.number(1, "i64"), type=line, label="steps")
    places = node("Add", begins, steps, type=whole, label="places")
    last = node("Sub", ends, at.number(1, "i64"), label="last")
    kept = node("Min", places, last, type=whole, label="kept")
    flags, floats = whole.with_dtype("bool"), whole.with_dtype(dtype)
    inside = node("Less", places, ends, type=flags, label="inside")
    to = DTYPES[dtype].value
    counted = at.emit("Cast", inside, type=floats, label=f"counted_{axis}", to=to)
    sizes = node("Sub", ends, begins, label="sizes")
    divisor = column.with_dtype(dtype)
    sizes = at.emit("Cast", sizes, type=divisor, label=f"divisors_{axis}", to=to)
    return kept, node("Div", counted, sizes, type=floats, label="share"), length


def known_windows(at: Lowering[Any], count: int, size: int) -> tuple[ir.Value, ir.Value, int]:
    """The same where the size is known: tensors of the file."""
    dtype, length = at.type.dtype, size // count + 2
    line = np.arange(count)[:, None]
    begins, ends = line * size // count, ((line + 1) * size + count - 1) // count
    places = begins + np.arange(length)
    share = ((places < ends) / (ends - begins)).astype(numpy_dtype(dtype))
    key, places = (size, count), np.minimum(places, ends - 1)
    return (
        at.graph.initializer(("windows", *key), f"constant/windows{key}", lambda: places),
        at.graph.initializer(("shares", *key, dtype), f"constant/shares{key}", lambda: share),
        length,
    )
