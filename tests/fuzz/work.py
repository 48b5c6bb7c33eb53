"""What one worker of `make fuzz` does: draws networks, judges them, lets go of them."""

import sys
import warnings
from contextlib import suppress
from functools import cache
from random import Random

from hypothesis.errors import StopTest
from hypothesis.internal.conjecture.data import ConjectureData

from tests.fuzz.judging import Kinds, Verdict, judge
from tests.fuzz.specs import Spec, networks

Task = tuple[int, int, list[str]]
"""A seed, how many networks of it, and the backends."""


def drawn(seed: int, count: int) -> list[Spec]:
    """Random networks, the same for the same seed.

    Each is drawn by itself: hypothesis's own search makes many of an earlier one's choices again,
    so that of its networks a fifth are the same.
    """
    found: list[Spec] = []
    for number in range(count):
        data = ConjectureData(random=Random(f"{seed}/{number}"))
        with suppress(StopTest):
            found.append(data.draw(networks()))
    return found


@cache
def known_kinds() -> Kinds:
    """The faults that this process reduced already."""
    return set()


def run_chunk(task: Task) -> tuple[int, list[Verdict]]:
    """The verdicts on the networks of one seed, beside it."""
    warnings.simplefilter("ignore")
    seed, count, backends = task
    verdicts = [judge(spec, backends, known_kinds()) for spec in drawn(seed, count)]
    forget()
    return seed, verdicts


def forget() -> None:
    """Lets go of what frameworks keep of models that are gone."""
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
