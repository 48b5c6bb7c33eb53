"""A moving average of the weights, which is what evaluation and the run's result take.

After each step `average += (1 - decay) * (w - average)`, from the initial weights on. Weights that are
not trained and running statistics are as they are.
"""

from __future__ import annotations

from dslc.ops.attributes import Number
from dslc.train.choices import Choice


class Ema(Choice):
    """An exponential moving average of the trained weights."""

    kind = "average"
    name = "ema"
    primary = "decay"
    decay = Number(doc="the share of the average that each step keeps", minimum=0, below=1)
