"""How much a model unrolls to, found before it is unrolled.

Checking visits each distinct instance once, so a small spec may stand for very many steps: blocks
of blocks, each repeated. Counting stays as cheap as checking was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc_onnx.errors import ExportError

if TYPE_CHECKING:
    from dslc.ir.instance import BodyInstance, Instance
    from dslc.limits import Limits


def unrolled_steps(instance: Instance, limits: Limits) -> int:
    """The number of ops after every call and repeat; raises where it exceeds the limit."""
    known: dict[Instance, int] = {}
    total = _instance(instance, known)
    if total > limits.steps:
        message = f"the model unrolls to {total} steps, more than {limits.steps}"
        raise ExportError(f"{message}; `--limit steps=…` sets another limit", instance.module.span)
    return total


def _instance(instance: Instance, known: dict[Instance, int]) -> int:
    if instance not in known:
        known[instance] = _body(instance.body, known)
    return known[instance]


def _body(body: BodyInstance, known: dict[Instance, int]) -> int:
    total = 0
    for step in body.steps:
        for iteration in step.iterations:
            if iteration is None:
                continue
            total += 1 if iteration.call is None else _instance(iteration.call, known)
            total += sum(_body(inner, known) for inner in iteration.bodies)
    return total
