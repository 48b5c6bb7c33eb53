"""The template of a rate that falls once a figure gets no better, itself a program.

It stands in a `train.py` with such a schedule; see `dslc.emit.template`.
"""

# A script with phases has rates by their names.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from collections.abc import Mapping
from typing import Any

from dslc.train.runtime.progress import Progress

PHASED = False  # whether each step has phases
SCHEDULED = False  # whether the rate changes otherwise, too

LEARNING_RATE: Any = 0.1


def learning_rate(step: int, total: int) -> Any:
    """The schedule."""
    return LEARNING_RATE * (1 - step / total)


class Plateau:
    """A share of the learning rate, which falls once a figure has got no better for some epochs."""

    def __init__(self, state: Mapping[str, Any], how: Mapping[str, Any]) -> None:
        self.how = how
        self.share: float = state.get("share", 1.0)
        self.best: float | None = state.get("best")
        self.waited: int = state.get("waited", 0)

    if not PHASED:

        def rate(self, step: int, total: int) -> float:
            """The rate of a step."""
            if SCHEDULED:
                return self.share * learning_rate(step, total)
            else:  # noqa: RET505
                del step, total
                return self.share * LEARNING_RATE

    def look(self, progress: Progress, epoch: int) -> None:
        """Looks at the figure behind an epoch, if there is one."""
        figure = progress.mean(self.how["figure"], epoch)
        if figure is None:
            return
        gain = 0.0 if self.best is None else self.how["sign"] * (figure - self.best)
        if self.best is None or gain > self.how["min_delta"]:
            self.best, self.waited = figure, 0
        else:
            self.waited += 1
        if self.waited == self.how["patience"]:
            self.share, self.waited = max(self.how["final"], self.share * self.how["factor"]), 0

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"share": self.share, "best": self.best, "waited": self.waited}


class Plateaus:
    """The plateaus of the phases that have one."""

    def __init__(self, state: Mapping[str, Any], ways: Mapping[str, Mapping[str, Any]]) -> None:
        self.parts = {name: Plateau(state.get(name, {}), how) for name, how in ways.items()}

    def rate(self, step: int, total: int) -> dict[str, float]:
        """The rate of each phase at a step."""
        if SCHEDULED:
            rates = learning_rate(step, total)
        else:
            del step, total
            rates = LEARNING_RATE
        kept = self.parts
        return {n: kept[n].share * rate if n in kept else rate for n, rate in rates.items()}

    def look(self, progress: Progress, epoch: int) -> None:
        """Looks at the figures behind an epoch."""
        for part in self.parts.values():
            part.look(progress, epoch)

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of them."""
        return {name: part.state for name, part in self.parts.items()}
