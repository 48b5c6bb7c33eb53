"""Losses in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.loss import CrossEntropy, Mse
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(CrossEntropy)
def cross_entropy(c: OpContext) -> str:
    weighs = c.op.values["class_weights"] is not None
    logits = c.variable() if weighs else c.x
    target, weights = c.args[1], ""
    if weighs:
        weights = f", {logits}.new_tensor({c.numbers_list('class_weights')})"
    rank = c.types[0].rank
    axis = c.op.values["axis"] % rank
    if axis != 1:
        logits = f"{logits}.movedim({axis}, 1)"
    if c.types[1].dtype != "i64":
        target = f"{target}.long()"
    given = c.op.values["ignore_index"] is not None
    options = f", ignore_index={c.run_attribute('ignore_index')}" if given else ""
    options += c.option("label_smoothing", 0.0, run=True)
    return f"F.cross_entropy({logits}, {target}{weights}{options})"


@RULES.add(Mse)
def mse(c: OpContext) -> str:
    return f"F.mse_loss({', '.join(c.args)})"
