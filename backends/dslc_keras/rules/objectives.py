"""Losses for imbalance, overlap, latent variables and pairs in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.objectives import Contrastive, Dice, Focal, GaussianKl, Triplet
from dslc_keras.layers import option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext

DEFAULTS = {"gamma": 2.0, "alpha": None, "smooth": 1.0, "margin": 1.0, "temperature": 0.07}


@RULES.add(Contrastive, Dice, Focal, GaussianKl, Triplet)
def helped(c: FunctionContext) -> str:
    options = [option(c, name, DEFAULTS[name]) for name in c.op.values]
    return f"{c.helper(c.op.name)}({', '.join([*c.args, *(text for text in options if text)])})"
