"""The table of rules, one for each op class, a file per family as in `dslc/ops/`.

A family's file has `RULES`, and `GAPS` with the reason for each op that ONNX cannot say. Files are
found by themselves, so a new family is written in one place; an op in two files is an error.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc_onnx.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import onnx_ir as ir

    from dslc.ops.base import Op
    from dslc.source import Span
    from dslc_onnx.lowering import Lowering, Operand

    Result = ir.Value | Operand | list[Operand]
    Rule = Callable[[Lowering[Any]], Result]
    Rules = Mapping[type[Op], Rule]
    Gaps = Mapping[type[Op], str]


@final
class Table:
    """Every rule and every gap by op class."""

    __slots__ = ("gaps", "rules")

    def __init__(self, rules: Rules, gaps: Gaps) -> None:
        self.rules = rules
        self.gaps = gaps

    def find(self, op: type[Op], span: Span) -> Rule:
        """The rule of an op, or an error that says why there is none."""
        rule = self.rules.get(op)
        if rule is None:
            reason = self.gaps.get(op, "it has no rule in this version")
            raise ExportError(f"`{op.name}` cannot be exported to ONNX: {reason}", span)
        return rule


@cache
def load() -> Table:
    """The table, from every file of this folder."""
    files = sorted(Path(__file__).parent.glob("[!_]*.py"))
    modules = [import_module(f"{__name__}.{file.stem}") for file in files]
    return merge([(module.RULES, getattr(module, "GAPS", {})) for module in modules])


def merge(families: list[tuple[Rules, Gaps]]) -> Table:
    """One table from several; an op may be in one of them, as a rule or as a gap."""
    rules: dict[type[Op], Rule] = {}
    gaps: dict[type[Op], str] = {}
    for own_rules, own_gaps in families:
        for op in (*own_rules, *own_gaps):
            if op in rules or op in gaps:
                raise TypeError(f"`{op.name}` has two rules")
        for op in own_rules.keys() & own_gaps.keys():
            raise TypeError(f"`{op.name}` has a rule and a gap")
        rules.update(own_rules)
        gaps.update(own_gaps)
    return Table(rules, gaps)
