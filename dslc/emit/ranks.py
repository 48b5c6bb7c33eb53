"""A module called with values of several ranks becomes one module for each.

Generated code serves all instances of a module with one class, in which sizes have names. Where the
number of axes itself differs there is no such name, so here the module is split, once for every
combination of its inputs' ranks, and each call goes to the part that it means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.samples import collect_instances, samples_by_step
from dslc.ir.graph import CallModule, Group, Parallel, Residual

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Action, Body, Program, Step
    from dslc.ir.instance import Instance

Ranks = tuple[int, ...]


def split_by_rank(program: Program, *roots: Instance) -> Program:
    """The program with a module for every combination of input ranks; itself where none differs.

    Raises:
        BuildError: One step calls a module with values of several ranks.
    """
    instances = collect_instances(*roots)
    parts = {name: by_ranks(found) for name, found in instances.items()}
    if all(len(found) == 1 for found in parts.values()):
        return program
    names = part_names(parts)
    modules = dict(program.modules)
    for name, found in parts.items():
        for ranks, own in found.items():
            called = _calls(own, names)
            module = program.modules[name]
            new = names[name, ranks]
            modules[new] = module.replace(name=new, body=_body(module.body, called))
    return program.replace(modules=modules)


def by_ranks(instances: list[Instance]) -> dict[Ranks, list[Instance]]:
    """A module's instances by the ranks of its inputs."""
    found: dict[Ranks, list[Instance]] = {}
    for instance in instances:
        found.setdefault(ranks_of(instance), []).append(instance)
    return found


def ranks_of(instance: Instance) -> Ranks:
    """The ranks of an instance's inputs."""
    return tuple(type.rank for type in instance.inputs.values())


def part_names(parts: Mapping[str, Mapping[Ranks, object]]) -> dict[tuple[str, Ranks], str]:
    """A name for each part: the module's own for the first, with the rank behind for others."""
    found: dict[tuple[str, Ranks], str] = {}
    taken = set(parts)
    for name, by_rank in parts.items():
        for position, ranks in enumerate(by_rank):
            new = name if position == 0 else f"{name}Rank{ranks[0] if ranks else 0}"
            while position and new in taken:
                new += "x"
            taken.add(new)
            found[name, ranks] = new
    return found


def _calls(instances: list[Instance], names: Mapping[tuple[str, Ranks], str]) -> dict[int, str]:
    """The module that each calling step of some instances means."""
    found: dict[int, str] = {}
    for step, samples in samples_by_step(instances).items():
        for sample in samples:
            if sample is None or sample.call is None:
                continue
            name = names[sample.call.module.name, ranks_of(sample.call)]
            if found.setdefault(step, name) != name:
                own = sample.call.module.name
                raise BuildError(f"one step calls `{own}` with values of several ranks; use two")
    return found


def _body(body: Body, called: Mapping[int, str]) -> Body:
    return body.replace(steps=tuple(_step(step, called) for step in body.steps))


def _step(step: Step, called: Mapping[int, str]) -> Step:
    return step.replace(action=_action(step, step.action, called))


def _action(step: Step, action: Action, called: Mapping[int, str]) -> Action:
    if isinstance(action, CallModule):
        return action.replace(module=called.get(step.id, action.module))
    if isinstance(action, Group):
        return Group(_body(action.body, called))
    if isinstance(action, Residual):
        return Residual(_body(action.main, called), _body(action.shortcut, called))
    if isinstance(action, Parallel):
        branches = tuple((label, _body(body, called)) for label, body in action.branches)
        return action.replace(branches=branches)
    return action
