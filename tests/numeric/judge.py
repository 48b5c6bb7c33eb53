"""Many cases in one model, compared case by case: a framework then compiles once for all of them.

The comparison is the one that `dslc verify` makes; here its figures are taken for each case by
itself, so that one case's scale does not hide another's fault. A batch that raises is wrong as a
whole: the case that raises by itself is named, and no other counts as compared.
"""

from collections.abc import Iterator
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from dslc.passes.determine import without_chance
from dslc.tools.verify import Comparison
from dslc.tools.verify_figures import FORWARD, GRADIENT, Difference, gradients_apart, values_apart
from dslc.tools.verify_reference import Case as ReferenceCase
from dslc.tools.verify_reference import Reference, run_through
from tests.numeric.frameworks import DEVICE, WHOLE, backend_named
from tests.numeric.table import BATCHES, Case, check, spec

RECURRENT = ("rnn", "lstm", "gru")
CUDNN = 4
"""How much coarser than other float32 the recurrent kernels of cuDNN are: their functions round."""

Arrays = dict[str, np.ndarray[Any, Any]]


class Figure:
    """One comparison of one case: forward or gradient, how far apart and how far it may be, where."""

    def __init__(
        self, case: str, part: str, difference: Difference, allowed: float, at: str
    ) -> None:
        self.case = case
        self.part = part
        self.difference = difference
        self.allowed = allowed
        self.at = at

    @property
    def words(self) -> str:
        """It in words."""
        part = "gradient " if self.part == "gradient" else ""
        return f"{part}{self.difference} {self.at}"


class Batch:
    """Some cases in one spec, with the reference's numbers."""

    def __init__(self, cases: list[Case]) -> None:
        self.cases = cases
        self.checked = without_chance(check(spec(cases)))
        self.comparison = Comparison(self.checked, backend_named("torch"), seed=0)

    @cached_property
    def modes(self) -> list[tuple[bool, Reference, list[dict[str, int]]]]:
        """Use, and training where statistics are taken: each with its reference and its sizes."""
        found = self.comparison
        modes = [(False, found.reference, found.settings)]
        if found.buffers:
            modes.append((True, found.training_reference, found.training_settings))
        return modes

    def faults(self, backend: Any) -> dict[str, list[str]]:
        """What is wrong with a backend's numbers, in words, by case."""
        found: dict[str, list[str]] = {case.name: [] for case in self.cases}
        for figure in self.figures(backend):
            if not figure.difference.max_rel <= figure.allowed:
                found[figure.case].append(figure.words)
        return found

    def figures(self, backend: Any, *, brief: bool = False) -> Iterator[Figure]:
        """Every comparison of a backend's numbers with the reference's.

        As `verify` does, values are compared at every setting of sizes, gradients at one, and the
        framework's own layout, where it has one, at the last; all of it everywhere if `WHOLE`. In
        brief: at one setting, with inputs and outputs as the spec has them.
        """
        driver = backend.driver(self.checked, device=DEVICE)
        turns = "native" in driver.layouts and any(case.turned for case in self.cases)
        for training, reference, settings in self.modes:
            if training and not driver.differentiable:
                continue
            shared = not training and turns and not WHOLE and len(settings) > 1
            for number, sizes in enumerate(settings[:1] if brief or shared else settings):
                expected = reference.case(sizes, 0, training=training)
                yield from self.compare(driver, expected, sizes, slopes=number == 0 or WHOLE)
        if turns and not brief:
            driver = backend.driver(self.checked, io_layout="native", device=DEVICE)
            _, reference, settings = self.modes[0]
            for sizes in settings if WHOLE else settings[-1:]:
                expected = reference.case(sizes, 0, training=False)
                yield from self.compare(driver, expected, sizes, slopes=WHOLE)

    def compare(
        self, driver: Any, expected: ReferenceCase, sizes: dict[str, int], *, slopes: bool
    ) -> Iterator[Figure]:
        """The comparisons at one setting of sizes, with the gradients where `slopes` are wanted."""
        at = f"at {sizes}{', training' if expected.training else ''}"
        weights, buffers = self.comparison.weights, self.comparison.buffers
        slopes = slopes and driver.differentiable
        outputs, gradients = run_through(driver, weights, buffers, expected, slopes=slopes)
        for case in self.cases:
            own = partial(of_case, case)
            more = CUDNN if DEVICE == "cuda" and case.op in RECURRENT else 1
            values = values_apart(own(outputs), own(expected.outputs))
            yield Figure(case.name, "forward", values, more * FORWARD, at)
            if gradients:
                away = gradients_apart(own(gradients), own(expected.gradients))
                yield Figure(case.name, "gradient", away, more * GRADIENT, at)


def of_case(case: Case, arrays: Any) -> Arrays:
    """The arrays that belong to a case."""
    return {name: array for name, array in arrays.items() if case.owns(name)}


@cache
def batch(name: str, without: str = "") -> Batch:
    """A batch of the table; `without` names a backend whose gaps are left out."""
    return Batch([case for case in BATCHES[name] if without not in case.gaps])


@cache
def faults_of(backend_name: str, batch_name: str) -> dict[str, list[str]]:
    """What is wrong with a backend in a batch, by case."""
    backend = backend_named(backend_name)
    gaps = any(backend_name in case.gaps for case in BATCHES[batch_name])
    whole = batch(batch_name, backend_name if gaps else "")
    try:
        return whole.faults(backend)
    except Exception as error:
        return raised(whole.cases, backend, error)


def raised(cases: list[Case], backend: Any, error: Exception) -> dict[str, list[str]]:
    """What is said of each case of a batch that raised: all of them fail."""
    guilty = {case.name: words for case in cases if (words := alone(case, backend))}
    names = ", ".join(guilty) or "no case by itself"
    rest = f"not compared: its batch raised {described(error)}; {names} does so alone"
    return {case.name: [guilty.get(case.name, rest)] for case in cases}


def alone(case: Case, backend: Any) -> str:
    """What one case raises by itself; nothing where it runs."""
    try:
        Batch([case]).faults(backend)
    except Exception as error:
        return f"it raised {described(error)}"
    return ""


def described(error: Exception) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
