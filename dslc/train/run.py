"""How long a run goes, on how many rows at a time, from which seed, in which precision."""

from __future__ import annotations

from dslc.ops.attributes import Boolean, Integer, InvalidAttribute, Maybe, Word
from dslc.train.choices import Choice, Globs


class Run(Choice):
    """How long and on what a run goes."""

    kind = "run"
    epochs = Integer(doc="how often every row is seen", minimum=1)
    batch = Integer(doc="rows of a step", minimum=1)
    accumulate = Integer(
        1, doc="in how many pieces a batch is computed; their gradients are summed", minimum=1
    )
    seed = Integer(
        0, doc="of initial weights, order and dropout; `--seed` gives another", minimum=0
    )
    precision = Word(
        "f32", doc="what the model computes in; weights stay f32", words=("f32", "bf16", "f16")
    )
    deterministic = Boolean(
        False, doc="whether dropout and random ops draw the same bits in every framework"
    )

    compile = Maybe(
        Boolean(
            doc="whether steps are compiled as far as a framework can, or not at all; by default "
            "as is usual there"
        )
    )

    recompute = Globs(
        doc="blocks, groups and repeats, by name or glob, of which nothing is kept for the backward "
        "pass but what they take: less memory for more time"
    )

    def check(self) -> None:
        if self.batch % self.accumulate:
            message = f"a batch of {self.batch} rows has no {self.accumulate} equal pieces"
            raise InvalidAttribute(message, "accumulate")
