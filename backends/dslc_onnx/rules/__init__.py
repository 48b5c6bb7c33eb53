"""The rules of the ONNX backend, a file per family as in `dslc.ops`.

A rule reads its step through a `Lowering` and gives the step's value: a value of the graph in the
lowering's form, an operand that is there already, or an operand for each of several outputs.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dslc.emit.backend import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering, Operand

    Result = ir.Value | Operand | list[Operand]
    Rule = Callable[[Lowering[Any]], Result]

RULES = Rules("onnx")

for _file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    import_module(f"{__name__}.{_file.stem}")
