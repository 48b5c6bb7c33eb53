"""Positions for attention in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.position import RelativePositionBias, SinusoidalPosition
from dslc_keras.layers import option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(SinusoidalPosition)
def sinusoidal_position(c: FunctionContext) -> str:
    texts = [c.x, c.attribute("dim"), option(c, "base", 10000.0)]
    texts += ["" if c.op.values["order"] == "interleaved" else "interleaved=False"]
    return f"{c.helper('sinusoidal_position')}({', '.join(text for text in texts if text)})"


@RULES.add(RelativePositionBias)
def relative_position_bias(c: FunctionContext) -> str:
    anchor = next(iter(c.body.inputs.values()))
    window = "".join(f"{size}, " for size in c.shape_texts("window"))
    layer = f"{c.helper('RelativePositionBias')}(({window}), {c.attribute('heads')}, name={c.name})"
    return c.call(layer, anchor)
