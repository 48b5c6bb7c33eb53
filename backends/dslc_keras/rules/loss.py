"""Losses in Keras, from logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.loss import CrossEntropy, Mse
from dslc_keras.layers import option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(CrossEntropy)
def cross_entropy(c: OpContext) -> str:
    logits, target = c.args
    if c.op.values["class_weights"] is not None:
        return weighted(c)
    rank = c.types[0].rank
    axis = c.axis(c.op.values["axis"])
    ignored = c.op.values["ignore_index"] is not None
    options = [logits, target, c.attribute("ignore_index") if ignored else ""]
    options.append("" if axis == rank - 1 else f"axis={axis}")
    options.append(option(c, "label_smoothing", 0.0))
    name = c.helper("masked_cross_entropy" if ignored else "cross_entropy")
    return f"{name}({', '.join(text for text in options if text)})"


def weighted(c: OpContext) -> str:
    """A loss in which classes count differently."""
    options = [c.numbers_list("class_weights"), f"axis={c.axis(c.op.values['axis'])}"]
    options += [option(c, "ignore_index", None), option(c, "label_smoothing", 0.0)]
    texts = [text for text in (*c.args, *options) if text]
    return f"{c.helper('weighted_cross_entropy')}({', '.join(texts)})"


@RULES.add(Mse)
def mse(c: OpContext) -> str:
    x, target = c.args
    return f"ops.mean(ops.square({x} - {target}))"
