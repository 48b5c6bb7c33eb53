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


def outlined(checked: Checked) -> tuple[Program, Instance]:
    """The program with its named groups as modules, and its main instance, checked again."""
    program = outline(checked.program)
    verify_program(program)
    again = check_program(checked.source, program, Report(), Limits())
    assert again is not None, "outlining changed what is checked"
    return program, again.instance
