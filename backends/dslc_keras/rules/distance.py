"""Losses place by place in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.distance import (
    Bce,
    BceWithLogits,
    CosineEmbedding,
    Hinge,
    Huber,
    KlDiv,
    Mae,
    Nll,
)
from dslc_keras.layers import axis_text, option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Mae)
def mae(c: FunctionContext) -> str:
    x, target = c.args
    return f"ops.mean(ops.abs({x} - {target}))"


@RULES.add(Hinge)
def hinge(c: FunctionContext) -> str:
    x, target = c.args
    return f"ops.mean(ops.relu(1 - {x} * {target}))"


@RULES.add(Huber, Bce, BceWithLogits, CosineEmbedding)
def helped(c: FunctionContext) -> str:
    defaults = {"delta": 1.0, "margin": 0.0}
    options = [option(c, name, value) for name, value in defaults.items() if name in c.op.values]
    return f"{c.helper(c.op.name)}({', '.join([*c.args, *(text for text in options if text)])})"


@RULES.add(KlDiv, Nll)
def over_axis(c: FunctionContext) -> str:
    axis = axis_text(c, c.op.values["axis"])
    return f"{c.helper(c.op.name)}({', '.join(c.args)}, axis={axis})"
