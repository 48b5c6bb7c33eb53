"""Nothing is left out: every op has a case, and every backend a rule or a stated reason."""

from importlib import import_module

import pytest

from dslc.ops import all_ops
from tests.numeric.frameworks import NAMES, backend_named
from tests.numeric.table import CASES, RIGHT


def test_every_op_has_a_case_in_its_family() -> None:
    found = {(case.family, case.op) for case in RIGHT}
    assert found == {(op.family, name) for name, op in all_ops().items()}


def test_every_op_has_a_wrong_case_or_none_is_possible() -> None:
    wrong = {case.op for case in CASES if case.fails}
    never = {"silu", "sigmoid", "tanh", "log_softmax", "identity", "stop_gradient"}
    assert wrong == all_ops().keys() - never


@pytest.mark.parametrize("name", NAMES)
def test_every_op_has_a_rule_or_a_reason(name: str) -> None:
    backend_named(name)
    rules = import_module(f"dslc_{name}.rules").RULES
    assert rules.table.keys() | rules.gaps.keys() >= set(all_ops().values())
    assert all(len(reason.split()) > 2 for reason in rules.gaps.values())
