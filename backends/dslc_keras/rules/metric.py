"""Metrics in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.metric import Accuracy, TopKAccuracy
from dslc_keras.layers import axis_text
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Accuracy)
def accuracy(c: OpContext) -> str:
    logits, target = c.args
    best = f"{c.helper('argmax')}({logits}, axis={axis_text(c, c.op.values['axis'])})"
    return f'ops.mean(ops.cast(ops.equal({best}, {target}), "float32"))'


@RULES.add(TopKAccuracy)
def top_k_accuracy(c: OpContext) -> str:
    logits, target = c.args
    axis = axis_text(c, c.op.values["axis"])
    if axis != "-1":
        logits = f"ops.moveaxis({logits}, {axis}, -1)"
    best = f"ops.top_k({logits}, {c.attribute('k')})[1]"
    found = f"ops.any(ops.equal({best}, ops.expand_dims({target}, -1)), axis=-1)"
    return f'ops.mean(ops.cast({found}, "float32"))'
