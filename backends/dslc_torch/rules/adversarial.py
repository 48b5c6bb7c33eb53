"""Losses of two networks against each other in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.adversarial import GanLoss
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(GanLoss)
def gan_loss(c: OpContext) -> str:
    of, kind = c.op.values["of"], c.op.values["kind"]
    if kind == "wasserstein" or (kind == "hinge" and of == "generator"):
        mean = f"{c.x}.mean()"
        return mean if of == "fake" else f"-{mean}"
    if kind == "hinge":
        return f"F.relu(1 {'-' if of == 'real' else '+'} {c.x}).mean()"
    if kind == "least_squares":
        return f"{c.x}.square().mean()" if of == "fake" else f"({c.x} - 1).square().mean()"
    sign = "" if of == "fake" else "-"
    return f"F.softplus({sign}{c.x}).mean()"
