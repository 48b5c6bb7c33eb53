"""What lies on the way of a `gradient` is differentiated twice: every op's second derivative."""

from typing import Any
from zlib import crc32

import pytest

from dslc.emit.backend import BuildError
from dslc.passes.determine import without_chance
from dslc.tools.verify import Comparison
from dslc.tools.verify_figures import gradients_apart
from tests.numeric.frameworks import WHOLE, backend_named
from tests.numeric.judge import of_case
from tests.numeric.second import BY
from tests.numeric.table import BATCHES, Case, check, spec

ALLOWED = 1e-3
"""Of float32 against float64: a gradient's own rounding is divided by what norms divide by."""
SHARE = 1 if WHOLE else 3
NONE = ("ctc",)
"""What the frameworks differentiate once alone, so that a build refuses it."""


def differentiable(case: Case) -> bool:
    """Whether a case takes and gives floats, and is among those tried now."""
    types = (case.input_types().values(), case.gives.values())
    floats = all(any(type.startswith("f32") for type in part) for part in types)
    return floats and case.op not in NONE and crc32(case.name.encode()) % SHARE == 0


def marks(backend: str) -> list[Any]:
    """What keeps a framework's tests in its own worker."""
    return [pytest.mark.xdist_group(backend), getattr(pytest.mark, backend)]


def rows() -> list[Any]:
    """Batches with a case that is tried, in each framework's own worker."""
    return [
        pytest.param(name, title, marks=marks(name))
        for name in BY
        for title, cases in BATCHES.items()
        if any(differentiable(case) and name not in case.gaps for case in cases)
    ]


@pytest.mark.parametrize(("backend", "title"), rows())
def test_second_derivatives(backend: str, title: str) -> None:
    cases = [c for c in BATCHES[title] if differentiable(c) and backend not in c.gaps]
    checked = without_chance(check(spec(cases)))
    program = checked.program
    checked.program = program.replace(derivatives=tuple((name, 2) for name in program.modules))
    comparison = Comparison(checked, backend_named("torch"), seed=0)
    modes = [(False, comparison.reference, comparison.settings)]
    if comparison.buffers:
        modes.append((True, comparison.training_reference, comparison.training_settings))
    reference = backend_named("torch").driver(checked, dtype="f64")
    driver = backend_named(backend).driver(checked)
    faults: list[str] = []
    for training, computed, settings in modes:
        inputs = computed.case(settings[0], 0, training=training).inputs
        found = []
        for name, run in ((backend, driver), ("torch", reference)):
            run.load(comparison.weights)
            found.append(BY[name](run, inputs, training=training))
        for case in cases:
            away = gradients_apart(*(of_case(case, arrays) for arrays in found))
            if not away.max_rel <= ALLOWED:
                faults.append(f"{case.name}: {away}{', training' if training else ''}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("backend", [pytest.param(b, marks=marks(b)) for b in ("torch", "keras")])
def test_what_has_no_second_derivative_is_refused(backend: str) -> None:
    case = next(case for cases in BATCHES.values() for case in cases if case.op in NONE)
    checked = check(spec([case]))
    checked.program = checked.program.replace(derivatives=(("Cases", 2),))
    with pytest.raises(BuildError, match="has no second derivative"):
        backend_named(backend).model_source(checked)


@pytest.mark.torch
@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize("op", ["batch_norm", "layer_norm", "instance_norm"])
def test_norms_that_pytorch_differentiates_wrongly_are_refused(op: str) -> None:
    case = next(case for cases in BATCHES.values() for case in cases if case.op == op)
    checked = check(spec([case]))
    checked.program = checked.program.replace(derivatives=(("Cases", 3),))
    with pytest.raises(BuildError, match="differentiated three times"):
        backend_named("torch").model_source(checked)
