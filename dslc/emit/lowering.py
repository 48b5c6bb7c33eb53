"""The passes between a checked spec and a backend whose scopes are objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.diagnostics import Report
from dslc.emit.ranks import split_by_rank
from dslc.ir.verifier import verify_program
from dslc.limits import Limits
from dslc.passes.outline import outline
from dslc.passes.pipeline import check_program

if TYPE_CHECKING:
    from dslc.ir.graph import Program
    from dslc.passes.pipeline import Checked


def outlined(checked: Checked, *, shared_only: bool = False) -> Checked:
    """The spec with its named groups as modules and one module for each combination of ranks.

    Each pass is followed by the checks again; without anything to do it costs nothing.

    Args:
        checked: The spec.
        shared_only: Takes only groups that repeat with one set of weights.
    """
    checked = rechecked(checked, outline(checked.program, shared_only=shared_only))
    roots = (*(part.instance for part in checked.parts.values()), checked.instance)
    return rechecked(checked, split_by_rank(checked.program, *roots))


def rechecked(checked: Checked, after: Program) -> Checked:
    """The spec behind a pass; what was before where nothing changed."""
    if after.modules.keys() == checked.program.modules.keys():
        return checked
    verify_program(after)
    again = check_program(checked.source, after, Report(), Limits())
    assert again is not None, "a pass changed what is checked"
    return again
