"""The same numbers on every backend: each case against PyTorch in float64, at odd and even sizes."""

import pytest

from tests.numeric.frameworks import backend_params
from tests.numeric.judge import faults_of
from tests.numeric.table import BATCHES, Case


def rows() -> list[object]:
    """Every right case with the batch that it is computed in."""
    return [
        pytest.param(name, case, id=case.name) for name, cases in BATCHES.items() for case in cases
    ]


@pytest.mark.parametrize("backend", backend_params())
@pytest.mark.parametrize(("batch", "case"), rows())
def test_numbers(backend: str, batch: str, case: Case) -> None:
    if backend in case.gaps:
        pytest.skip(f"{backend} has no form: {case.gaps[backend]}")
    assert not faults_of(backend, batch)[case.name]
