"""The reference against a second judge: ONNX's reference evaluator in float64.

PyTorch and the evaluator share no code, so what both say is what an op means. They agree far below
float32's precision; epsilons and the like are float32 in an ONNX file, which is what is left.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest

from dslc.tools.verify_figures import values_apart
from tests.numeric.evaluator import evaluate
from tests.numeric.frameworks import backend_named
from tests.numeric.judge import Batch, batch, of_case
from tests.numeric.table import BATCHES, RIGHT, Case

TOLERANCE = 2e-7

pytestmark = [pytest.mark.onnx, pytest.mark.xdist_group("onnx")]


def rows() -> list[object]:
    """Every case whose op has an ONNX form that the evaluator can judge."""
    return [
        pytest.param(name, case, id=case.name)
        for name, cases in BATCHES.items()
        for case in cases
        if "onnx" not in case.gaps and case.evaluator is None
    ]


@cache
def evaluated(batch_name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What the evaluator and the reference say of a batch, at each setting of sizes."""
    judged = [
        case for case in BATCHES[batch_name] if "onnx" not in case.gaps and not case.evaluator
    ]
    whole = len(judged) == len(BATCHES[batch_name])
    comparison = (batch(batch_name) if whole else Batch(judged)).comparison
    model = backend_named("onnx").export(comparison.checked, comparison.weights)
    cases = [comparison.reference.case(s, 0, training=False) for s in comparison.settings]
    return [(evaluate(model, case.inputs), dict(case.outputs)) for case in cases]


@pytest.mark.parametrize(("batch_name", "case"), rows())
def test_evaluator_agrees(batch_name: str, case: Case) -> None:
    for found, expected in evaluated(batch_name):
        difference = values_apart(of_case(case, found), of_case(case, expected))
        assert difference.max_rel <= TOLERANCE, difference


def test_every_float_becomes_a_double() -> None:
    for found, _ in evaluated("linear"):
        kinds = {array.dtype for array in found.values() if array.dtype.kind == "f"}
        assert kinds == {np.dtype(np.float64)}


@pytest.mark.parametrize("case", [case for case in RIGHT if case.evaluator], ids=repr)
def test_an_excuse_is_true(case: Case) -> None:
    """Where a case says why the evaluator cannot judge it, the evaluator fails or says otherwise."""
    comparison = Batch([case]).comparison
    model = backend_named("onnx").export(comparison.checked, comparison.weights)
    for sizes in comparison.settings:
        expected = comparison.reference.case(sizes, 0, training=False)
        try:
            found = evaluate(model, expected.inputs)
        except Exception:
            return
        if not values_apart(found, expected.outputs).max_rel <= TOLERANCE:
            return
    pytest.fail(f"the evaluator can judge it: {case.evaluator}")
