"""Arithmetic in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.arithmetic import Add, Mul, ReduceMean, ReduceSum
from dslc.ops.base import Check
from dslc.ops.shapes import broadcast
from dslc_keras.broadcasting import adds_right, stored_shape
from dslc_keras.layers import axes_text, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Mul)
def mul(c: OpContext) -> str:
    same = len(c.args) > 1 and all(type.shape == c.types[0].shape for type in c.types)
    if c.is_symbolic and same and c.types[0].rank:
        return plain(c, "layers.Multiply", call=c.listed)
    if not c.is_spread:
        return " * ".join(c.args)
    c.require("import math")
    text = f"math.prod({c.listed})"  # that begins with 1, and a number makes a product sparse
    return f"ops.convert_to_tensor({text}, sparse=False)" if c.is_symbolic else text


@RULES.add(Add)
def add(c: OpContext) -> str:
    shapes = [stored_shape(value) for value in c.values if value is not None]
    alike = len(shapes) > 1 and len(shapes[0]) > 0 and all(shape == shapes[0] for shape in shapes)
    if c.is_symbolic and alike:
        return plain(c, "layers.Add", call=c.listed)
    if c.is_spread:
        return f"sum({c.listed})"
    text, known = c.args[0], shapes[0]
    for other, shape in zip(c.args[1:], shapes[1:], strict=True):
        if adds_right(known, shape):
            text = f"{text} + {other}"
        elif adds_right(shape, known):
            text = f"{other} + ({text})"
        else:
            text = f"{c.helper('add')}({text}, {other})"
        known = broadcast(Check(None), "add", [known, shape])
    return text


@RULES.add(ReduceMean, ReduceSum)
def reduce(c: OpContext) -> str:
    assert isinstance(c.op, ReduceMean | ReduceSum)
    function = c.op.name.removeprefix("reduce_")
    axes = c.op.axes(c.types[0].rank)
    keep = ", keepdims=True" if c.op.keep else ""
    place = "" if len(axes) == c.types[0].rank else f", axis={axes_text(c, axes)}"
    return f"ops.{function}({c.x}{place}{keep})"
