"""Losses of sequences whose targets are shorter in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.alignment import Ctc
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Ctc)
def ctc(c: OpContext) -> str:
    if c.derivatives > 1:
        raise c.refuse("has no second derivative in PyTorch, and a gradient leads through it")
    texts = [*c.args[:2], c.arg(2), c.arg(3) and f"target_lengths={c.arg(3)}"]
    given = ", ".join(text for text in texts if text)
    return f"{c.helper('ctc')}({given}{c.option('blank', 0, run=True)})"
