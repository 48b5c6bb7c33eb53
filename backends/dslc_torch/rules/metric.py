"""Metrics in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.metric import Accuracy, TopKAccuracy
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Accuracy)
def accuracy(c: OpContext) -> str:
    logits, target = c.args
    axis = c.op.values["axis"] % c.types[0].rank
    return f"({logits}.argmax({axis}) == {target}).float().mean()"


@RULES.add(TopKAccuracy)
def top_k_accuracy(c: OpContext) -> str:
    logits, target = c.args
    axis = c.op.values["axis"] % c.types[0].rank
    # of equals the first counts, which `topk` does not promise
    order = f"{logits}.argsort(dim={axis}, descending=True, stable=True)"
    top = f"{order}.narrow({axis}, 0, {c.run_attribute('k')})"
    return f"({top} == {target}.unsqueeze({axis})).any({axis}).float().mean()"
