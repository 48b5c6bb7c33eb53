"""Random networks of all ops give the same shapes, numbers and gradients everywhere.

A bounded number; `make fuzz N=2000` tries many more. What fails is reduced to the least spec that
still does, which the failure shows.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.judging import judge
from tests.fuzz.specs import Spec, networks

few = settings(phases=[Phase.generate], suppress_health_check=list(HealthCheck))
"""Failures are reduced by our own hand: a spec can be cut where a list of choices cannot."""


def agrees(spec: Spec, *backends: str) -> None:
    """Compares backends on a network."""
    verdict = judge(spec, list(backends))
    assert not verdict.findings, "\n".join(map(repr, verdict.findings))


@pytest.mark.torch
@pytest.mark.onnx
@pytest.mark.xdist_group("onnx")
@settings(few, max_examples=24)
@given(networks())
def test_fuzz_torch_and_onnx(spec: Spec) -> None:
    agrees(spec, "torch", "onnx")


@pytest.mark.keras
@pytest.mark.xdist_group("keras")
@settings(few, max_examples=10)
@given(networks())
def test_fuzz_keras(spec: Spec) -> None:
    agrees(spec, "keras")


@pytest.mark.jax
@pytest.mark.xdist_group("jax")
@settings(few, max_examples=4)
@given(networks())
def test_fuzz_jax(spec: Spec) -> None:
    agrees(spec, "jax")
