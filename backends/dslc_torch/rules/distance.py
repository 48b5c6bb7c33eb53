"""Losses place by place in PyTorch."""

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
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.ops.base import Op

NAMES: dict[type[Op], str] = {
    Mae: "l1_loss",
    Bce: "binary_cross_entropy",
    BceWithLogits: "binary_cross_entropy_with_logits",
}


@RULES.add(*NAMES)
def plain(c: OpContext) -> str:
    return f"F.{NAMES[type(c.op)]}({', '.join(c.args)})"


@RULES.add(Huber)
def huber(c: OpContext) -> str:
    return f"F.huber_loss({', '.join(c.args)}{c.option('delta', 1.0, run=True)})"


@RULES.add(Hinge)
def hinge(c: OpContext) -> str:
    x, target = c.args
    return f"F.relu(1 - {x} * {target}).mean()"


@RULES.add(KlDiv)
def kl_div(c: OpContext) -> str:
    places = f'F.kl_div({", ".join(c.args)}, reduction="none")'
    return f"{places}.sum({c.run_attribute('axis')}).mean()"


@RULES.add(Nll)
def nll(c: OpContext) -> str:
    x, target = c.args
    axis = c.op.values["axis"] % c.types[0].rank
    x = x if axis == 1 else f"{x}.movedim({axis}, 1)"
    target = target if c.types[1].dtype == "i64" else f"{target}.long()"
    return f"F.nll_loss({x}, {target})"


@RULES.add(CosineEmbedding)
def cosine_embedding(c: OpContext) -> str:
    margin = c.option("margin", 0.0, run=True)
    return f"{c.helper('cosine_embedding')}({', '.join(c.args)}{margin})"
