"""Losses in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.loss import CrossEntropy, Mse
from dslc_jax.axes import axis_text
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(CrossEntropy)
def cross_entropy(c: OpContext) -> str:
    ignored = c.op.values["ignore_index"] is not None
    if c.op.values["class_weights"] is not None:
        options = f", ignore_index={c.run_attribute('ignore_index')}" if ignored else ""
        options += c.option("label_smoothing", 0.0, run=True)
        texts = [*c.args, c.numbers_list("class_weights"), axis_text(c)]
        return f"{c.helper('weighted_cross_entropy')}({', '.join(texts)}{options})"
    name = c.helper("masked_cross_entropy" if ignored else "cross_entropy")
    index = f", {c.run_attribute('ignore_index')}" if ignored else ""
    axis = axis_text(c)
    place = "" if axis == "-1" else f", axis={axis}"
    smoothing = c.option("label_smoothing", 0.0, run=True)
    return f"{name}({', '.join(c.args)}{index}{place}{smoothing})"


@RULES.add(Mse)
def mse(c: OpContext) -> str:
    x, target = c.args
    return f"(({x} - {target}) ** 2).mean()"
