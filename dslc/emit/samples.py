"""What the instances of a module have in common: every run of every step, by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.ir.instance import BodyInstance, Instance, Iteration


def collect_instances(*roots: Instance) -> dict[str, list[Instance]]:
    """Every distinct instance below some by module, in the order met."""
    found: dict[str, list[Instance]] = {}
    seen: set[int] = set()

    def visit(instance: Instance) -> None:
        if id(instance) in seen:
            return
        seen.add(id(instance))
        found.setdefault(instance.module.name, []).append(instance)
        for iteration in all_iterations(instance.body):
            if iteration.call is not None:
                visit(iteration.call)

    for root in roots:
        visit(root)
    return found


def all_iterations(body: BodyInstance) -> Iterable[Iteration]:
    """Every iteration of every step of a body, regions included."""
    for step in body.steps:
        for iteration in step.iterations:
            if iteration is not None:
                yield iteration
                for inner in iteration.bodies:
                    yield from all_iterations(inner)


def samples_by_step(instances: list[Instance]) -> dict[int, list[Iteration | None]]:
    """What every step did in every instance, None where it was absent."""
    found: dict[int, list[Iteration | None]] = {}

    def visit(body: BodyInstance) -> None:
        for step in body.steps:
            found.setdefault(step.step.id, []).extend(step.iterations or (None,))
            for iteration in step.iterations:
                for inner in iteration.bodies if iteration is not None else ():
                    visit(inner)

    for instance in instances:
        visit(instance.body)
    return found
