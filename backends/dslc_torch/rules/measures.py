"""Metrics of one class, of areas, of ranks and of variance in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.measures import F1, R2, Auc, MeanIou, Perplexity, Precision, Recall
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Precision, Recall, F1)
def of_one_class(c: OpContext) -> str:
    options = c.option("positive", 1, run=True)
    return f"{c.helper(c.op.name)}({', '.join(c.args)}{axis(c)}{options})"


@RULES.add(MeanIou, Perplexity)
def of_classes(c: OpContext) -> str:
    return single(c, f"{c.helper(c.op.name)}({', '.join(c.args)}{axis(c)})")


@RULES.add(Auc, R2)
def of_alike(c: OpContext) -> str:
    return single(c, f"{c.helper(c.op.name)}({', '.join(c.args)})")


def single(c: OpContext, text: str) -> str:
    """A number in float32, whatever it comes from."""
    computes_so = isinstance(c.op, MeanIou | Auc) or c.types[0].dtype == "f32"
    return text if computes_so else f"{text}.float()"


def axis(c: OpContext) -> str:
    """The axis of the classes where it is not 1."""
    place = c.op.values["axis"] % c.types[0].rank
    return "" if place == 1 else f", axis={place}"
