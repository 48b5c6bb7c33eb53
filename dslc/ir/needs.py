"""Which models a module needs when it runs: those that it calls or is tied to, itself or inside.

A model exists once, so in generated code what calls it is given it: `forward(self, state, trunk)`.
Only the module that holds the models makes them, and it holds all of them.
"""

from __future__ import annotations

from dslc.ir.graph import CallModule
from dslc.ir.walk import actions
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Program

Needs = dict[str, tuple[str, ...]]


def needs_of(program: Program, *, closed: bool = False) -> Mapping[str, tuple[str, ...]]:
    """The models that each module needs, in the order of the file.

    Args:
        program: The program.
        closed: Whether a model has those that it calls in itself, so that its caller needs none of
            them.
    """
    found: Needs = {}
    if not program.held:
        return found

    def visit(name: str) -> tuple[str, ...]:
        if name in found:
            return found[name]
        needed: set[str] = set()
        for step, action in actions(program.modules[name].body):
            needed.update(tie.model for tie in step.tie.values() if tie.model is not None)
            if isinstance(action, CallModule):
                inner, is_model = visit(action.module), program.modules[action.module].is_model
                needed.update((action.module,) if is_model else ())
                needed.update(() if is_model and closed else inner)
        found[name] = tuple(model for model in program.held if model in needed)
        return found[name]

    for name in program.modules:
        visit(name)
    return {**found, program.main: program.held}


def apart(program: Program) -> tuple[str, ...]:
    """The models that the main module holds and does not call itself."""
    steps = program.modules[program.main].body.steps
    called = {step.action.module for step in steps if isinstance(step.action, CallModule)}
    return tuple(name for name in program.held if name not in called)
