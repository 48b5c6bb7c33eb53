"""What one worker of `make fuzz` does: draws networks, judges them, lets go of them."""

import sys
import warnings
from functools import cache

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.fuzz.judging import Kinds, Verdict, judge
from tests.fuzz.specs import Spec, networks

Task = tuple[int, int, list[str]]
"""A seed, how many networks of it, and the backends."""


def drawn(seed: int, count: int) -> list[Spec]:
    """Random networks, the same for the same seed."""
    found: list[Spec] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(networks())
    def collect(spec: Spec) -> None:
        found.append(spec)

    collect()
    return found[:count]


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
