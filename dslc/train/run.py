"""How long a run goes, on how many rows at a time, from which seed, in which precision."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Integer, Word
from dslc.train.choices import Choice


class Run(Choice):
    """How long and on what a run goes."""

    kind = "run"
    epochs = Integer(doc="how often every row is seen", minimum=1)
    batch = Integer(doc="rows of a step", minimum=1)
    seed = Integer(
        0, doc="of initial weights, order and dropout; `--seed` gives another", minimum=0
    )
    precision = Word(
        "f32", doc="what the model computes in; weights stay f32", words=("f32", "bf16")
    )
    deterministic = Boolean(
        False, doc="whether dropout and random ops draw the same bits in every framework"
    )
