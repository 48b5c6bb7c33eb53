"""Regularisers in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.regulariser import Dropout, DropPath
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Dropout)
def dropout(c: OpContext) -> str:
    return f"F.dropout({c.x}, {c.run_attribute('rate')}, self.training)"


@RULES.add(DropPath)
def drop_path(c: OpContext) -> str:
    return f"{c.helper('drop_path')}({c.x}, {c.run_attribute('rate')}, self.training)"
