"""`expr` in JAX: operators and functions, as in the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.formulas import formula_text
from dslc.ir.arithmetic import Arithmetic
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Arithmetic)
def formula(c: OpContext) -> str:
    return formula_text(c, RULES)
