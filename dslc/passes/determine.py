"""Takes chance out of a program: dropout and its kin at 0, everything else as it is.

Masks are each framework's own, so training mode can only be compared without them.
"""

from __future__ import annotations

from dslc.diagnostics import Report
from dslc.ir.graph import ApplyOp, ChooseOp, Reuse
from dslc.ir.opened import Opened
from dslc.ir.walk import with_regions
from dslc.limits import Limits
from dslc.passes.pipeline import check_program
from dslc.passes.weights import sites
from dslc.syntax.expressions import Literal
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Action, Body, Program, Step
    from dslc.passes.pipeline import Checked


def has_chance(checked: Checked) -> bool:
    """Whether an op of the main model draws at random."""
    ops = (site.iteration.op for site in sites(checked.instance))
    return any(op is not None and op.draws for op in ops)


def settled_in_use(checked: Checked) -> Checked:
    """The same spec with nothing left to chance where something is drawn in use, anew in each run."""
    ops = (site.iteration.op for site in sites(checked.instance))
    draws = any(op is not None and op.draws and op.always_draws for op in ops)
    return without_chance(checked) if draws and not checked.program.deterministic else checked


def without_chance(checked: Checked) -> Checked:
    """The same spec with nothing left to chance; itself where nothing was."""
    if not has_chance(checked):
        return checked
    program = determined(checked.written)
    again = check_program(checked.source, program, Report(), Limits())
    assert again is not None, "a rate of 0 is always legal"
    again.whole = checked.whole
    return again


def determined(program: Program) -> Program:
    """The program with every op's `chance` attributes where nothing is drawn."""
    modules = {
        name: module.replace(body=_body(module.body)) for name, module in program.modules.items()
    }
    opened = {
        name: Opened(found.reader, found.scope, _body(found.body))
        for name, found in program.opened.items()
    }
    return program.replace(modules=modules, opened=opened)


def _body(body: Body) -> Body:
    return body.replace(steps=tuple(_step(step) for step in body.steps))


def _step(step: Step) -> Step:
    return step.replace(action=_action(step.action, step))


def _action(action: Action, step: Step) -> Action:
    if isinstance(action, ApplyOp):
        op = action.op
        never = {name: Literal(op.settled.get(name, 0.0), step.span) for name in op.chance}
        return action.replace(attributes={**action.attributes, **never}) if never else action
    if isinstance(action, Reuse):
        return Reuse(_step(action.step))
    if isinstance(action, ChooseOp):
        return action.replace(is_certain=True)
    return with_regions(action, _body)
