"""Regularisers in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    return f"F.dropout({c.x}, {c.run_attribute('rate')}, self.training)"
