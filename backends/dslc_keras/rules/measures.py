"""Metrics of one class, of areas, of ranks and of variance in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.measures import F1, R2, Auc, MeanIou, Perplexity, Precision, Recall
from dslc_keras.layers import option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Precision, Recall, F1)
def of_one_class(c: OpContext) -> str:
    texts = [*c.args, axis(c), option(c, "positive", 1)]
    return f"{c.helper(c.op.name)}({', '.join(text for text in texts if text)})"


@RULES.add(MeanIou)
def mean_iou(c: OpContext) -> str:
    texts = [*c.args, axis(c)]
    return f"{c.helper('mean_iou')}({', '.join(text for text in texts if text)})"


@RULES.add(Perplexity)
def perplexity(c: OpContext) -> str:
    place, last = c.axis(c.op.values["axis"]), c.types[0].rank - 1
    options = "" if place == last else f", axis={place}"
    return single(c, f"ops.exp({c.helper('cross_entropy')}({', '.join(c.args)}{options}))")


@RULES.add(Auc, R2)
def of_alike(c: OpContext) -> str:
    return single(c, f"{c.helper(c.op.name)}({', '.join(c.args)})")


def single(c: OpContext, text: str) -> str:
    """A number in float32, whatever it comes from."""
    return text if c.types[0].dtype == "f32" else f'ops.cast({text}, "float32")'


def axis(c: OpContext) -> str:
    """The axis of the classes where it is not 1."""
    place = c.axis(c.op.values["axis"])
    return "" if place == 1 else f"axis={place}"
