"""The schedules: what the learning rate is at each step, as a factor of the optimiser's own.

Steps are the optimiser's, counted from 0; `total` is the number of them in the whole run. With a
`warmup` of n steps, step k < n has the factor `(k + 1) / n`, and the rest of the schedule runs over
the steps that are left.
"""

from __future__ import annotations

from dslc.ops.attributes import Integer, Number
from dslc.train.choices import Choice

WARMUP = "steps in which the rate rises evenly from nothing"
FINAL = "the factor at the end of the run"


class Schedule(Choice):
    """The base of the schedules; `done` is the share of the run behind the warmup, 0 to 1."""

    kind = "schedule"


class Constant(Schedule):
    """The same rate at every step."""

    primary = "warmup"
    warmup = Integer(0, doc=WARMUP, minimum=0)


class Cosine(Schedule):
    """Half a cosine from 1 down to `final`: `final + (1 - final) * (1 + cos(pi * done)) / 2`.

    Source: Loshchilov and Hutter 2017.
    """

    warmup = Integer(0, doc=WARMUP, minimum=0)
    final = Number(0.0, doc=FINAL, minimum=0, maximum=1)


class Linear(Schedule):
    """A straight line from 1 down to `final`: `1 - (1 - final) * done`."""

    warmup = Integer(0, doc=WARMUP, minimum=0)
    final = Number(0.0, doc=FINAL, minimum=0, maximum=1)


class Step(Schedule):
    """Falls by `factor` after every `every` steps behind the warmup."""

    primary = "every"
    every = Integer(doc="steps between two falls", minimum=1)
    factor = Number(0.1, doc="what the rate is multiplied by", minimum=0, maximum=1)
    warmup = Integer(0, doc=WARMUP, minimum=0)
