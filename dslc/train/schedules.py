"""The schedules: what the learning rate is at each step, as a factor of the optimiser's own.

Steps are the optimiser's, counted from 0; `total` is the number of them in the whole run. With a
`warmup` of n steps, step k < n has the factor `(k + 1) / n`, and the rest of the schedule runs over
the steps that are left.
"""

from __future__ import annotations

from dslc.ops.attributes import Integer, InvalidAttribute, Maybe, Number
from dslc.syntax.expressions import number_text
from dslc.train.choices import Choice, Text

WARMUP = "steps in which the rate rises evenly from nothing"
FINAL = "the factor at the end of the run"


class Schedule(Choice):
    """The base of the schedules."""

    kind = "schedule"

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        """A line of documentation, and Python that returns the rate behind the warmup.

        Args:
            done: The expression of the steps done behind the warmup.
            total: The expression of all that there are.
        """
        raise TypeError(f"{type(self).__name__} has no formula for {done} of {total}")


class Constant(Schedule):
    """The same rate at every step."""

    primary = "warmup"
    warmup = Integer(0, doc=WARMUP, minimum=0)

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        del done, total
        return "Always the same rate.", ["return LEARNING_RATE"]


class Cosine(Schedule):
    """Half a cosine from 1 down to `final`: `final + (1 - final) * (1 + cos(pi * done)) / 2`.

    `done` is the share of the run behind the warmup. Source: Loshchilov and Hutter 2017.
    """

    warmup = Integer(0, doc=WARMUP, minimum=0)
    final = Number(0.0, doc=FINAL, minimum=0, maximum=1)

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        share = "0.5 * (1 + math.cos(math.pi * done))"
        doc, factor = between("Half a cosine", share, self.final)
        return doc, [f"done = {done} / {total}", f"return LEARNING_RATE * {factor}"]


class Linear(Schedule):
    """A straight line from 1 down to `final`: `1 - (1 - final) * done`.

    `done` is the share of the run behind the warmup.
    """

    warmup = Integer(0, doc=WARMUP, minimum=0)
    final = Number(0.0, doc=FINAL, minimum=0, maximum=1)

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        doc, factor = between("A straight line", "(1 - done)", self.final)
        return doc, [f"done = {done} / {total}", f"return LEARNING_RATE * {factor}"]


class Step(Schedule):
    """Falls by `factor` after every `every` steps behind the warmup."""

    primary = "every"
    every = Integer(doc="steps between two falls", minimum=1)
    factor = Number(0.1, doc="what the rate is multiplied by", minimum=0, maximum=1)
    warmup = Integer(0, doc=WARMUP, minimum=0)

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        del total
        factor = number_text(self.factor)
        doc = f"The rate, multiplied by {factor} every {self.every} steps."
        return doc, [f"return LEARNING_RATE * {factor} ** ({done} // {self.every})"]


class Polynomial(Schedule):
    """A power of what is left, from 1 down to `final`: `final + (1 - final) * (1 - done) ** power`.

    `done` is the share of the run behind the warmup.
    """

    primary = "power"
    power = Number(2.0, doc="1 is a straight line, 2 a parabola", minimum=0)
    warmup = Integer(0, doc=WARMUP, minimum=0)
    final = Number(0.0, doc=FINAL, minimum=0, maximum=1)

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        share = f"(1 - done) ** {number_text(self.power)}"
        doc, factor = between("A power of what is left", share, self.final)
        return doc, [f"done = {done} / {total}", f"return LEARNING_RATE * {factor}"]


class Plateau(Schedule):
    """Falls by `factor` once a figure has got no better for `patience` epochs in a row.

    The figure is looked at after each epoch: the mean of the training loss over its steps, or with
    `metric` that of the held-out rows. It is better where it is below the best so far by more than
    `min_delta`; of metrics that rise, such as an accuracy, above it. After a fall, or a better figure,
    the epochs are counted anew. The factors together never fall below `final`. With a `warmup`, steps
    k < warmup have `(k + 1) / warmup` of the rate.
    """

    primary = "patience"
    patience = Integer(10, doc="epochs without a better figure before a fall", minimum=1)
    factor = Number(0.1, doc="what the rate is multiplied by", minimum=0, below=1)
    metric = Maybe(Text(doc="a figure of the held-out rows: `loss`, or the name of a metric"))
    min_delta = Number(0.0, doc="by how much a figure has to be better", minimum=0)
    final = Number(0.0, doc="the factor below which the rate never falls", minimum=0, maximum=1)
    warmup = Integer(0, doc=WARMUP, minimum=0)

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        del done, total
        return "Always the same rate.", ["return LEARNING_RATE"]


class OneCycle(Schedule):
    """Half a cosine up from `start` to 1 in a share `rise` of the run, then half a cosine down to `final`.

    The optimiser's rate is the highest. Source: Smith and Topin 2018.
    """

    primary = "rise"
    rise = Number(0.3, doc="the share of the run in which the rate rises", minimum=0, below=1)
    start = Number(0.04, doc="the factor at the first step", minimum=0, maximum=1)
    final = Number(0.0, doc=FINAL, minimum=0, maximum=1)
    warmup = Integer(
        0, doc="steps in which the rate rises evenly from nothing, before it", minimum=0
    )

    def check(self) -> None:
        if not self.values["rise"]:
            raise InvalidAttribute("`rise` is above 0: without it, take `cosine`", "rise")

    def fall(self, done: str, total: str) -> tuple[str, list[str]]:
        rise, rest = number_text(self.rise), number_text(1 - self.rise)
        start, final = number_text(self.start), number_text(self.final)
        return f"Half a cosine up from {start} of the rate, then one down to {final} of it.", [
            f"done = {done} / {total}",
            f"share = done / {rise} if done < {rise} else (1 - done) / {rest}",
            f"low = {start} if done < {rise} else {final}",
            "return LEARNING_RATE * (low + (1 - low) * 0.5 * (1 - math.cos(math.pi * share)))",
        ]


def between(shape: str, share: str, final: float) -> tuple[str, str]:
    """A line of documentation and a factor that falls as `share` does from 1 down to `final`."""
    if not final:
        return f"{shape} down to zero.", share
    end = number_text(final)
    return f"{shape} down to {end} of the rate.", f"({end} + (1 - {end}) * {share})"
