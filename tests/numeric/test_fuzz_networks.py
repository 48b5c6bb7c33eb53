"""Random specs give the same shapes and numbers everywhere; `make fuzz N=…` tries many more."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from dslc.ir.dims import evaluate
from dslc.tools.verify import Comparison
from tests.numeric.frameworks import backend_named
from tests.numeric.random_specs import specs
from tests.numeric.table import check

FEW = 6
"""Compiling takes Keras and JAX seconds for each spec."""


def compare(spec: dict[str, Any], names: list[str]) -> None:
    """Compares backends on a spec, and the reference's shapes with the inferred ones."""
    text = json.dumps(spec)
    checked = check(text)
    comparison = Comparison(checked, backend_named("torch"), seed=0)
    for name in names:
        result = comparison.compare(backend_named(name))
        assert result.ok, [name, *result.problems, *result.excesses(), text]
    for sizes in comparison.settings:
        case = comparison.reference.case(sizes, 0, training=False)
        for name, type in checked.instance.outputs.items():
            assert case.outputs[name].shape == tuple(evaluate(d, sizes) for d in type.shape), text


@pytest.mark.torch
@pytest.mark.onnx
@pytest.mark.xdist_group("onnx")
@given(specs())
def test_fuzz_torch_and_onnx(spec: dict[str, Any]) -> None:
    compare(spec, ["torch", "onnx"])


@pytest.mark.keras
@pytest.mark.xdist_group("keras")
@settings(max_examples=settings.default.max_examples // 10 or FEW)
@given(specs())
def test_fuzz_keras(spec: dict[str, Any]) -> None:
    compare(spec, ["keras"])


@pytest.mark.jax
@pytest.mark.xdist_group("jax")
@settings(max_examples=settings.default.max_examples // 20 or FEW)
@given(specs())
def test_fuzz_jax(spec: dict[str, Any]) -> None:
    compare(spec, ["jax"])
