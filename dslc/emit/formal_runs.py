"""Which params of a module only a run knows, so that its method takes them and not its constructor.

Some call gives such a param a size of a run, or another number in each round of a loop that runs one
set of weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.formal_when import holds_size
from dslc.ir.graph import CallModule
from dslc.ir.walk import all_steps
from dslc.syntax.expressions import free_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Program, Step
    from dslc.ir.instance import Instance


def params_of_runs(
    program: Program, instances: Mapping[str, list[Instance]]
) -> dict[str, frozenset[str]]:
    """The params by module; what a module hands on of its own is one of the callee's too."""
    found = {
        name: {p for one in known for p, value in one.arguments.items() if holds_size(value)}
        for name, known in instances.items()
    }
    calls = [(name, step) for name in instances for step in all_steps(program.modules[name].body)]
    count = -1
    while count != (count := sum(map(len, found.values()))):
        for name, step in calls:
            action = step.action
            if isinstance(action, CallModule) and action.module in found:
                moving = found[name] | names_of_rounds(step)
                given = action.arguments.items()
                found[action.module] |= {p for p, value in given if free_names(value) & moving}
    return {name: frozenset(names) for name, names in found.items()}


def names_of_rounds(step: Step) -> set[str]:
    """What changes from round to round of a loop that runs one set of weights."""
    repeat = step.repeat
    if repeat is None or not repeat.share:
        return set()
    return {*repeat.names, *((repeat.index,) if repeat.index else ())}
