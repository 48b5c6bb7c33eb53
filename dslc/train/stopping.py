"""Early stopping: a run ends once a figure of the held-out rows no longer gets better.

The figure is looked at after each epoch. It is better where it is below the best so far by more than
`min_delta`; of metrics that rise, such as an accuracy, above it. After `patience` epochs without a
better one the run ends. The weights of the best epoch are in `best.safetensors`.
"""

from __future__ import annotations

from dslc.ops.attributes import Integer, Number
from dslc.train.choices import Choice, Text


class EarlyStopping(Choice):
    """The end of a run that gets no better."""

    kind = "stop"
    name = "early_stopping"
    primary = "patience"
    patience = Integer(doc="epochs without a better figure before the run ends", minimum=1)
    metric = Text("loss", doc="the figure: `loss`, or the name of a metric")
    min_delta = Number(0.0, doc="by how much a figure has to be better", minimum=0)
