"""The passes between a checked spec and a backend whose scopes are objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.diagnostics import Report
from dslc.emit.backend import BuildError
from dslc.emit.forms import split_by_form
from dslc.emit.size_lists import without_size_lists
from dslc.emit.varying import Varies
from dslc.ir.verifier import verify_program
from dslc.limits import Limits
from dslc.passes.outline import outline
from dslc.passes.outputs_once import outputs_once
from dslc.passes.picking import picked
from dslc.passes.pipeline import check_program
from dslc.passes.run_order import in_order

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from dslc.emit.forms import Decisive
    from dslc.ir.graph import Program
    from dslc.ir.instance import Instance
    from dslc.passes.pipeline import Checked

    T = TypeVar("T")


def outlined(checked: Checked, *, shared_only: bool = False) -> Checked:
    """The spec with its named groups as modules and one module for each combination of ranks.

    Each pass is followed by the checks again; without anything to do it costs nothing.

    Args:
        checked: The spec.
        shared_only: Takes only groups that repeat with one set of weights.
    """
    if shared_only:
        sized = without_size_lists(checked.program, *roots_of(checked))
        checked = checked if sized is checked.program else typed_again(checked, sized)
    made = outline(checked.program, shared_only=shared_only)
    once = outputs_once(made)
    checked = rechecked(checked, made) if once is made else typed_again(checked, once)
    if shared_only:
        ordered = picked(in_order(checked.program))
        checked = checked if ordered is checked.program else typed_again(checked, ordered)
    return split(checked)


def lower(checked: Checked, write: Callable[[Checked], T], *, shared_only: bool = False) -> T:
    """What a backend writes of a spec, whose modules are split where code depends on a value.

    Args:
        checked: The spec.
        write: Writes the outlined spec; it raises `Varies` where one class cannot serve.
        shared_only: As `outlined` takes it.
    """
    checked = outlined(checked, shared_only=shared_only)
    while True:
        try:
            return write(checked)
        except Varies as found:
            parts = len(checked.program.modules)
            checked = split(checked, (found.module, found.step, found.attribute))
            if len(checked.program.modules) == parts:
                span = checked.program.modules[found.module].span
                raise BuildError(f"{found}, and code depends on it", span) from found


def split(checked: Checked, decisive: Decisive | None = None) -> Checked:
    """The spec with one module for each form of its instances."""
    return rechecked(checked, split_by_form(checked.program, *roots_of(checked), decisive=decisive))


def roots_of(checked: Checked) -> list[Instance]:
    """The instances that are built: those of the models, and of the main module."""
    return [*(part.instance for part in checked.parts.values()), checked.instance]


def rechecked(checked: Checked, after: Program) -> Checked:
    """The spec behind a pass, without its training; what was before where nothing changed."""
    if after.modules.keys() == checked.program.modules.keys():
        return checked
    return typed_again(checked, after)


def typed_again(checked: Checked, after: Program) -> Checked:
    """The spec with another program, without its training."""
    verify_program(after)
    again = check_program(checked.source, after.replace(train=None), Report(), Limits())
    assert again is not None, "a pass changed what is checked"
    return again
