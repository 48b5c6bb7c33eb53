"""Regularisers: what large weights add to the loss that training minimises.

They act on trained weights, by default on all of them; `of` names those that are meant. The loss that a
run reports holds them; figures of held-out rows do not. This is not an optimiser's decay: what is added
here is part of the gradient, is clipped, and passes through the optimiser's averages.
"""

from __future__ import annotations

from dslc.ops.attributes import Number
from dslc.train.choices import Choice, Globs

FACTOR = "what the sum is multiplied by"
WHICH = "the weights that count"


class Regularizer(Choice):
    """The base of the regularisers."""

    kind = "regulariser"
    primary = "factor"
    factor = Number(doc=FACTOR, minimum=0)
    of = Globs(("**",), doc=WHICH)


class L1(Regularizer):
    """`factor * sum(|w|)`; where a weight is zero, its gradient is zero too."""


class L2(Regularizer):
    """`factor * sum(w * w)`, whose gradient is `2 * factor * w`."""
