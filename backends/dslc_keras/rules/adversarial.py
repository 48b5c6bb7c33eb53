"""Losses of two networks against each other in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.adversarial import GanLoss
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(GanLoss)
def gan_loss(c: OpContext) -> str:
    of, kind = c.op.values["of"], c.op.values["kind"]
    if kind == "wasserstein" or (kind == "hinge" and of == "generator"):
        mean = f"ops.mean({c.x})"
        return mean if of == "fake" else f"-{mean}"
    if kind == "hinge":
        return f"ops.mean(ops.relu(1 {'-' if of == 'real' else '+'} {c.x}))"
    if kind == "least_squares":
        return (
            f"ops.mean(ops.square({c.x}))" if of == "fake" else f"ops.mean(ops.square({c.x} - 1))"
        )
    sign = "" if of == "fake" else "-"
    return f"ops.mean(ops.softplus({sign}{c.x}))"
