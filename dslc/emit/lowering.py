"""The passes between a checked spec and a backend whose scopes are objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.diagnostics import Report
from dslc.ir.verifier import verify_program
from dslc.limits import Limits
from dslc.passes.outline import outline
from dslc.passes.pipeline import check_program

if TYPE_CHECKING:
    from dslc.ir.graph import Program
    from dslc.ir.instance import Instance
    from dslc.passes.pipeline import Checked


def outlined(checked: Checked, *, shared_only: bool = False) -> tuple[Program, Instance]:
    """The program with its named groups as modules, and its main instance, checked again.

    Args:
        checked: The spec.
        shared_only: Takes only groups that repeat with one set of weights.
    """
    program = outline(checked.program, shared_only=shared_only)
    if program.modules.keys() == checked.program.modules.keys():
        return checked.program, checked.instance
    verify_program(program)
    again = check_program(checked.source, program, Report(), Limits())
    assert again is not None, "outlining changed what is checked"
    return program, again.instance
