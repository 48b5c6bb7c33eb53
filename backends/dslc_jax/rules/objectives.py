"""Losses for imbalance, overlap, latent variables and pairs in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.objectives import Contrastive, Dice, Focal, GaussianKl, Triplet
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext

DEFAULTS = {"gamma": 2.0, "alpha": None, "smooth": 1.0, "margin": 1.0, "temperature": 0.07}


@RULES.add(Contrastive, Dice, Focal, GaussianKl, Triplet)
def helped(c: OpContext) -> str:
    names = c.op.values.keys()
    options = "".join(c.option(name, DEFAULTS[name], run=True) for name in names)
    return f"{c.helper(c.op.name)}({', '.join(c.args)}{options})"
