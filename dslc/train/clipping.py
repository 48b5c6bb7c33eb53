"""Gradient clipping: what a step does to gradients before its optimiser sees them.

It acts on the gradient of the loss alone: decay that an optimiser adds to the gradient comes after it.
"""

from __future__ import annotations

from dslc.ops.attributes import InvalidAttribute, Number
from dslc.train.choices import Choice


class Clipping(Choice):
    """The base of the ways to clip."""

    kind = "clipping"
    primary = "max"
    max = Number(doc="the bound", minimum=0)

    def check(self) -> None:
        if not self.values["max"]:
            raise InvalidAttribute("`max` is above 0: a bound of 0 leaves no gradient", "max")


class Norm(Clipping):
    """All gradients of a step together, as `torch.nn.utils.clip_grad_norm_`.

    `g *= min(1, max / (norm + 1e-6))`, `norm` the root of the sum of all squares.
    """


class Value(Clipping):
    """Each number by itself, as `torch.nn.utils.clip_grad_value_`: `g = clip(g, -max, max)`."""


class Each(Clipping):
    """The gradient of each weight by its own norm: `g *= min(1, max / (norm + 1e-6))`."""
