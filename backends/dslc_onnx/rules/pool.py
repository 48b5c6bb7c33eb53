"""Pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.pool import AvgPool2d, GlobalAvgPool, MaxPool2d
from dslc_onnx.rules import RULES
from dslc_onnx.windows import window_attributes

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(MaxPool2d)
def max_pool(at: Lowering[Any]) -> Result:
    """`MaxPool`."""
    return at.emit("MaxPool", at.input(), **window_attributes(at))


@RULES.add(AvgPool2d)
def avg_pool(at: Lowering[Any]) -> Result:
    """`AveragePool`, with or without the padding in the mean."""
    attributes = window_attributes(at)
    if at.op.count_padding:
        attributes["count_include_pad"] = 1
    return at.emit("AveragePool", at.input(), **attributes)


@RULES.add(GlobalAvgPool)
def global_avg_pool(at: Lowering[GlobalAvgPool]) -> Result:
    """`ReduceMean` without the reduced axes, so that no flattening follows."""
    axes = list(range(2, at.operand().type.rank))
    if at.graph.opset >= 18:
        return at.emit("ReduceMean", at.input(), at.graph.integers(*axes), keepdims=0)
    return at.emit("ReduceMean", at.input(), axes=axes, keepdims=0)
