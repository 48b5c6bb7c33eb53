"""Every op as onnxruntime and ONNX's reference evaluator run it, against PyTorch's functions."""

import numpy as np
import pytest
import torch
from dslc_onnx import backend

from dslc.ops import all_ops, find
from tests.numeric.table import BATCHES, RIGHT, batches_of
from tests.numeric.table import spec as table_spec
from tests.onnx.cases import CASES, Case
from tests.onnx.harness import (
    TOLERANCE,
    Arrays,
    check,
    distance,
    export,
    nodes_of,
    random_inputs,
    random_weights,
    run_onnxruntime,
    run_reference,
    spec,
)

pytestmark = pytest.mark.onnx

SIZES = [
    {"N": 1, "T": 4, "S": 7, "H": 7, "W": 8, "L": 9, "P": 6, "E": 8},
    {"N": 3, "T": 5, "S": 6, "H": 8, "W": 5, "L": 8, "P": 7, "E": 10},
]
"""P is T + 2 and E is even, as the facts of some cases say."""


def judged(case: Case, inputs: Arrays, weights: Arrays) -> list[np.ndarray]:
    tensors = [
        {k: torch.from_numpy(v.copy()) for k, v in part.items()} for part in (inputs, weights)
    ]
    found = case.judge(*tensors)
    return [item.numpy() for item in (found if isinstance(found, tuple) else (found,))]


def compare(case: Case, data: bytes, inputs: Arrays, weights: Arrays) -> None:
    expected = judged(case, inputs, weights)
    for run in (run_onnxruntime, run_reference) if case.reference else (run_onnxruntime,):
        found = list(run(data, inputs).values())
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert distance(np.asarray(one), other) < TOLERANCE, run.__name__


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_case(case: Case) -> None:
    checked = spec(case.inputs, case.steps, case.outputs, case.where)
    weights = random_weights(checked)
    data = export(checked, weights)
    if case.nodes is not None:
        assert nodes_of(data) == case.nodes
    for sizes in SIZES:
        compare(case, data, random_inputs(checked, sizes, case.ids), weights)


@pytest.mark.parametrize("opset", [17, 18, 19, 21, 22, 23])
def test_other_opsets(opset: int) -> None:
    for case in CASES:
        checked = spec(case.inputs, case.steps, case.outputs, case.where)
        weights = random_weights(checked)
        data = export(checked, weights, opset=opset)
        inputs = random_inputs(checked, SIZES[1], case.ids)
        expected = judged(case, inputs, weights)
        for one, other in zip(run_onnxruntime(data, inputs).values(), expected, strict=True):
            assert distance(np.asarray(one), other) < TOLERANCE, case


def test_every_op_has_a_rule_or_a_reason() -> None:
    for op in all_ops().values():
        assert (op in backend.rules.table) != bool(backend.rules.gaps.get(op)), op.name


def test_every_rule_has_a_case() -> None:
    """Here, or in the table that all backends share."""
    tried = {find(case.op) for case in RIGHT if "onnx" not in case.gaps}
    for case in CASES:
        checked = spec(case.inputs, case.steps, case.outputs, case.where)
        tried |= {type(step.iterations[0].op) for step in checked.instance.body.steps}
    assert set(backend.rules.table) <= tried


DRAWN = ("sample_balanced",)
"""Ops that draw numbers, beside the random ones: onnxruntime has no such operators from opset 22 on."""


@pytest.mark.parametrize("opset", [17, 18, 21, 23])
@pytest.mark.parametrize(
    "name", [name for name in batches_of("onnx") if not name.startswith("random")]
)
def test_shared_cases_at_other_opsets(name: str, opset: int) -> None:
    """Operators that do not exist there are expanded to what does: the numbers stay."""
    cases = [case for case in BATCHES[name] if "onnx" not in case.gaps]
    if opset > 21:
        cases = [case for case in cases if case.op not in DRAWN]
    checked = check(table_spec(cases))
    weights = random_weights(checked)
    ids = 1 if name == "graph" else 2  # one of its graphs has one node
    inputs = random_inputs(checked, dict.fromkeys("NTSHWLC", 6), ids)
    latest = run_onnxruntime(export(checked, weights), inputs)
    for output, found in run_onnxruntime(export(checked, weights, opset=opset), inputs).items():
        assert distance(found, latest[output]) < TOLERANCE, output
