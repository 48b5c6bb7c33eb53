"""Arithmetic in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.arithmetic import Add, Mul, ReduceMean, ReduceSum
from dslc_keras.layers import axes_text
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Add, Mul)
def combine(c: FunctionContext) -> str:
    layer, sign = {"add": ("Add", " + "), "mul": ("Multiply", " * ")}[c.op.name]
    same = len(c.args) > 1 and all(type.shape == c.types[0].shape for type in c.types)
    return f"layers.{layer}()([{', '.join(c.args)}])" if same else sign.join(c.args)


@RULES.add(ReduceMean, ReduceSum)
def reduce(c: FunctionContext) -> str:
    assert isinstance(c.op, ReduceMean | ReduceSum)
    function = c.op.name.removeprefix("reduce_")
    axes = c.op.axes(c.types[0].rank)
    keep = ", keepdims=True" if c.op.keep else ""
    place = "" if len(axes) == c.types[0].rank else f", axis={axes_text(c, axes)}"
    return f"ops.{function}({c.x}{place}{keep})"
