"""How often training differentiates what each module computes.

Once, for the loss; and once more for each `gradient` whose way leads through it. Some layers of the
frameworks are right the first time alone, so a backend has to know.
"""

from __future__ import annotations

from dslc.ir.graph import CallModule
from dslc.ir.walk import all_steps, called_by, regions
from dslc.train.gradient import is_gradient, reads
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dslc.ir.graph import Module, Program, Step


def derivatives(program: Program, graphs: Iterable[Module]) -> tuple[tuple[str, int], ...]:
    """How often, by module, where that is more than once; training graphs are among them.

    Args:
        program: The modules that the graphs call.
        graphs: The graphs of a section's phases.
    """
    found: dict[str, int] = {}
    for graph in graphs:
        ways = [way(graph, step) for step in graph.body.steps if is_gradient(step)]
        for step in graph.body.steps:
            times = 1 + sum(step.id in ids for ids in ways)
            if times > 1:
                for name in (graph.name, *modules_of(program.modules, step)):
                    found[name] = max(found.get(name, 1), times)
    return tuple(found.items())


def way(graph: Module, gradient: Step) -> set[int]:
    """The steps that lead from what a gradient is taken with respect to, to what it is of."""
    of, wrt = gradient.inputs
    assert of is not None
    assert wrt is not None
    moved, needed = {wrt.owner}, {of.owner}
    for step in graph.body.steps:
        if any(ref.owner in moved for ref in reads(step)):
            moved.add(step.id)
    for step in reversed(graph.body.steps):
        if step.id in needed & moved:
            needed |= {ref.owner for ref in reads(step)}
    return (needed & moved) - {wrt.owner}


def modules_of(modules: Mapping[str, Module], step: Step) -> set[str]:
    """The modules that a step calls, itself or through others."""
    inner = [s for body in regions(step.action) for s in all_steps(body)]
    calls = [s.action.module for s in (step, *inner) if isinstance(s.action, CallModule)]
    found: set[str] = set()
    while calls:
        name = calls.pop()
        if name not in found:
            found.add(name)
            calls += [called for _, called in called_by(modules[name])]
    return found
