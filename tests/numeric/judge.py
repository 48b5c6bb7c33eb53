"""Many cases in one model, compared case by case: a framework then compiles once for all of them.

The comparison is the one that `dslc verify` makes; here its figures are taken for each case by
itself, so that one case's scale does not hide another's fault.
"""

import copy
from collections.abc import Iterator
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from dslc.passes.determine import without_chance
from dslc.tools.verify import Comparison
from dslc.tools.verify_figures import FORWARD, GRADIENT, Difference, gradients_apart, values_apart
from dslc.tools.verify_reference import Case as ReferenceCase
from dslc.tools.verify_reference import Reference, run
from tests.numeric.frameworks import DEVICE, backend_named
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

        In brief: at one setting of sizes, with inputs and outputs as the spec has them.
        """
        for io_layout in ["spec"] if brief else backend.driver(self.checked).layouts:
            driver = backend.driver(self.checked, io_layout=io_layout, device=DEVICE)
            for training, reference, settings in self.modes:
                if training and (io_layout != "spec" or not driver.differentiable):
                    continue
                for sizes in settings[:1] if brief else settings:
                    expected = reference.case(sizes, 0, training=training)
                    at = f"at {sizes}{', training' if training else ''}"
                    yield from self.compare(driver, expected, at, turned=io_layout != "spec")

    def compare(
        self, driver: Any, expected: ReferenceCase, at: str, *, turned: bool
    ) -> Iterator[Figure]:
        """The comparisons at one setting of sizes."""
        weights, buffers = self.comparison.weights, self.comparison.buffers
        outputs = run(driver, weights, buffers, expected.inputs, expected.training)
        gradients: Arrays = {}
        if driver.differentiable and expected.gradients and not turned:
            driver.load(weights)
            gradients = driver.gradients(
                expected.inputs, expected.cotangents, training=expected.training
            )
        for case in self.cases:
            own = partial(of_case, case)
            more = CUDNN if DEVICE == "cuda" and case.op in RECURRENT else 1
            values = values_apart(own(outputs), own(expected.outputs))
            yield Figure(case.name, "forward", values, more * FORWARD, at)
            if gradients:
                slopes = gradients_apart(own(gradients), own(expected.gradients))
                yield Figure(case.name, "gradient", slopes, more * GRADIENT, at)


def of_case(case: Case, arrays: Any) -> Arrays:
    """The arrays that belong to a case."""
    return {name: array for name, array in arrays.items() if case.owns(name)}


@cache
def batch(name: str, without: str = "") -> Batch:
    """A batch of the table; `without` names a backend whose gaps are left out."""
    return Batch([case for case in BATCHES[name] if without not in case.gaps])


@cache
def faults_of(backend_name: str, batch_name: str) -> dict[str, list[str]]:
    """What is wrong with a backend in a batch. A model that fails as a whole is tried by case."""
    backend = backend_named(backend_name)
    gaps = any(backend_name in case.gaps for case in BATCHES[batch_name])
    whole = batch(batch_name, backend_name if gaps else "")
    try:
        return whole.faults(backend)
    except Exception:
        found: dict[str, list[str]] = {}
        for case in whole.cases:
            found |= alone(case, backend)
        return found


def alone(case: Case, backend: Any) -> dict[str, list[str]]:
    """What is wrong with one case by itself."""
    try:
        return Batch([case]).faults(backend)
    except Exception as error:
        line = " ".join(str(error).split())[:300]
        return {case.name: [f"it raised {type(error).__name__}: {line}"]}


def planted(backend: Any, edit: Any) -> Any:
    """A backend whose generated source is edited: for tests that a fault is found."""
    faulty = copy.copy(backend)

    def model_source(*args: Any, **options: Any) -> str:
        return edit(backend.model_source(*args, **options))

    faulty.model_source = model_source
    return faulty
