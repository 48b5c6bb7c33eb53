"""Pooling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dslc.ops.pool import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    LpPool1d,
    LpPool2d,
    LpPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from dslc.ops.windows import beyond
from dslc_onnx.rules import RULES
from dslc_onnx.rules.arithmetic import reduced
from dslc_onnx.windows import padded_same, windowed

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(at: Lowering[Any]) -> Result:
    """`MaxPool`."""
    x, attributes = windowed(at, fill=-math.inf)
    return at.emit("MaxPool", x, **attributes)


@RULES.add(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(at: Lowering[Any]) -> Result:
    """`AveragePool`, with or without the padding in the mean."""
    x, attributes = windowed(at)
    if x is not at.input():
        return mean_of_padded(at, x, attributes)
    if at.op.ceil and at.op.count_padding and any(at.op.padding):
        x, attributes["pads"] = padded(at), behind(at)  # what is beyond the padding does not count
    elif at.op.count_padding and not at.op.ceil:
        attributes["count_include_pad"] = 1
    return at.emit("AveragePool", x, **attributes)


def mean_of_padded(at: Lowering[Any], x: ir.Value, attributes: dict[str, Any]) -> ir.Value:
    """The mean over windows of an input whose padding is in it already."""
    mean = at.emit("AveragePool", x, type=at.type, label="mean", **attributes)
    if at.op.count_padding:
        return mean
    kinds = at.operand().type.with_shape(1, 1, *at.operand().type.shape[2:])
    ones = at.emit("Expand", at.number(1.0), at.sizes.shape(kinds.shape), type=kinds, label="ones")
    counted = at.type.with_shape(1, 1, *at.type.shape[2:])
    inside = padded_same(at, ones, kinds)
    share = at.emit("AveragePool", inside, type=counted, label="share", **attributes)
    return at.emit("Div", mean, share)


def padded(at: Lowering[Any]) -> ir.Value:
    """The input with the zeros of the padding around it."""
    type, sides = at.operand().type, at.op.padding
    sizes = [size + 2 * side for size, side in zip(type.shape[2:], sides, strict=True)]
    widths = at.sizes.shape((0, 0, *sides, 0, 0, *sides))
    full = type.with_shape(*type.shape[:2], *sizes)
    return at.emit("Pad", at.input(), widths, type=full, label="padded")


def behind(at: Lowering[Any]) -> list[int]:
    """The pads of a window of an input that is padded already, so that its size is rounded up."""
    ends = last(at)
    return [0] * len(ends) + ends


def last(at: Lowering[Any]) -> list[int]:
    """How far behind the padding the last windows may reach."""
    windows = zip(at.op.kernel, at.op.stride, at.op.padding, strict=True)
    return [at.known(beyond(*window) - window[2], "padding") for window in windows]


@RULES.add(GlobalAvgPool)
def global_avg_pool(at: Lowering[GlobalAvgPool]) -> Result:
    """`ReduceMean` without the reduced axes, so that no flattening follows."""
    axes = list(range(2, at.operand().type.rank))
    if at.graph.opset >= 18:
        return at.emit("ReduceMean", at.input(), at.graph.integers(*axes), keepdims=0)
    return at.emit("ReduceMean", at.input(), axes=axes, keepdims=0)


@RULES.add(GlobalMaxPool)
def global_max_pool(at: Lowering[GlobalMaxPool]) -> Result:
    """`ReduceMax` without the reduced axes."""
    axes = list(range(2, at.operand().type.rank))
    return reduced(at, "ReduceMax", at.input(), axes, at.type, "", keep=False)


@RULES.add(LpPool1d, LpPool2d, LpPool3d)
def lp_pool(at: Lowering[Any]) -> Result:
    """`LpPool`, which rounds its sizes up by more zeros behind: old ones know no `ceil_mode`."""
    x, attributes = windowed(at)
    if attributes.pop("ceil_mode", 0):
        ends = [side + end for side, end in zip(at.op.padding, last(at), strict=True)]
        attributes["pads"] = [*at.op.padding, *ends]
    return at.emit("LpPool", x, p=at.op.p, **attributes)
