"""Which models a module needs when it runs: those that it calls, itself or through others.

A model exists once, so what calls it is given it: `forward(self, state, trunk)`. Only the module
that holds all models makes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.graph import CallModule
from dslc.ir.walk import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Program

Needs = dict[str, tuple[str, ...]]


def needs_of(program: Program) -> Mapping[str, tuple[str, ...]]:
    """The models that each module needs, in the order of the file."""
    found: Needs = {}
    if not program.has_several:
        return found

    def visit(name: str) -> tuple[str, ...]:
        if name in found:
            return found[name]
        needed: set[str] = set()
        for _, action in actions(program.modules[name].body):
            if isinstance(action, CallModule):
                needed.update(visit(action.module))
                if program.modules[action.module].is_model:
                    needed.add(action.module)
        found[name] = tuple(model for model in program.models if model in needed)
        return found[name]

    for name in program.modules:
        visit(name)
    return found
