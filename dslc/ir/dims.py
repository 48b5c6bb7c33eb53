"""Sizes of axes: exact integer arithmetic over symbols, and what facts say about them.

The one module that the rest of the compiler imports for dims. `sym("H")` starts; the operators
`+ - * // % **` go on, with ints on either side, and give an int wherever the result is constant.
"""

from __future__ import annotations

from dslc.ir.dim_normal import Dim, DimLike, DimTooLargeError
from dslc.ir.dim_values import (
    ceil_div,
    dim_max,
    dim_min,
    evaluate,
    opaque,
    substitute,
    sym,
    symbols_of,
    text_of,
)
from dslc.ir.facts import Constraint, Facts, Verdict

__all__ = [
    "Constraint",
    "Dim",
    "DimLike",
    "DimTooLargeError",
    "Facts",
    "Verdict",
    "ceil_div",
    "dim_max",
    "dim_min",
    "evaluate",
    "opaque",
    "substitute",
    "sym",
    "symbols_of",
    "text_of",
]
