"""Whole networks: each backend agrees with the reference, as `dslc verify` has it."""

import pytest

from tests.numeric.frameworks import backend_named, backend_params
from tests.numeric.networks import NETWORKS, comparison


@pytest.mark.parametrize("backend", backend_params())
@pytest.mark.parametrize("network", NETWORKS)
def test_network(backend: str, network: str) -> None:
    result = comparison(network).compare(backend_named(backend))
    assert result.ok, [*result.problems, *result.excesses()]


@pytest.mark.torch
@pytest.mark.xdist_group("torch")
@pytest.mark.parametrize("network", NETWORKS)
def test_gradients_of_the_reference(network: str) -> None:
    found = comparison(network)
    case = found.reference.case(found.settings[0], 0, training=False)
    assert found.reference.check_gradients(case, seed=1) < 1e-6
