"""The words of steps that training graphs have beyond the ops of models."""

from __future__ import annotations

from dslc.train.draws import DRAWS
from dslc.train.gradient import Gradient


def training_words() -> tuple[str, ...]:
    """The words that mean something in training graphs alone."""
    return (Gradient.name, *DRAWS)
