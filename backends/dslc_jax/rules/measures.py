"""Metrics of one class, of areas, of ranks and of variance in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.measures import F1, R2, Auc, MeanIou, Perplexity, Precision, Recall
from dslc_jax.dtypes import as_told
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Precision, Recall, F1)
def of_one_class(c: OpContext) -> str:
    options = c.option("positive", 1, run=True)
    return f"{c.helper(c.op.name)}({', '.join(c.args)}{axis(c)}{options})"


@RULES.add(MeanIou)
def mean_iou(c: OpContext) -> str:
    return f"{c.helper('mean_iou')}({', '.join(c.args)}{axis(c)})"


@RULES.add(Perplexity)
def perplexity(c: OpContext) -> str:
    place, last = c.axis(c.op.values["axis"]), c.types[0].rank - 1
    options = "" if place == last else f", axis={place}"
    return as_told(c, f"jnp.exp({c.helper('cross_entropy')}({', '.join(c.args)}{options}))")


@RULES.add(Auc, R2)
def of_alike(c: OpContext) -> str:
    return as_told(c, f"{c.helper(c.op.name)}({', '.join(c.args)})")


def axis(c: OpContext) -> str:
    """The axis of the classes where it is not 1."""
    place = c.axis(c.op.values["axis"])
    return "" if place == 1 else f", axis={place}"
