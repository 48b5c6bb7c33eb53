"""What steps give: the outputs of calls, and the names in expressions that stand for them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.emit.formal import FormalStep


def gives_several(found: FormalStep) -> bool:
    """Whether a step has several outputs, for which no expression with a condition can stand."""
    if found.op is not None:
        return len(found.op.outputs) > 1
    return len(call_outputs(found)) > 1


def call_outputs(found: FormalStep) -> list[str]:
    """The outputs that a call gives: its value, and what the block hands out beyond it."""
    assert found.callee is not None
    module = found.callee.module
    if module.is_model:
        return [name for name, _ in module.outputs]
    return ["", *(name for name, _ in module.outputs if name)]


def value_name(found: FormalStep) -> str:
    """What the value of a call that gives several is called."""
    called = None if found.callee is None else found.callee.module.value
    return (called or found.step.name or "value").replace(".", "_")


def variables_in(text: str) -> frozenset[str]:
    """The names in an expression that a rule made."""
    tree = ast.parse(text, mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
