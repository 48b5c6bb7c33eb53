"""Metrics in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.metric import Accuracy, TopKAccuracy
from dslc_jax.axes import axis_text
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Accuracy)
def accuracy(c: OpContext) -> str:
    logits, target = c.args
    return f"({logits}.argmax({axis_text(c)}) == {target}).mean()"


@RULES.add(TopKAccuracy)
def top_k_accuracy(c: OpContext) -> str:
    logits, target = c.args
    axis = axis_text(c)
    if axis != "-1":
        logits = f"jnp.moveaxis({logits}, {axis}, -1)"
    top = f"jax.lax.top_k({logits}, {c.run_attribute('k')})[1]"
    return f"({top} == {target}[..., None]).any(-1).mean()"
