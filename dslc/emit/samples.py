"""What the instances of a module have in common: every run of every step, by step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.instance import BodyInstance, Instance, Iteration
    from dslc.ir.types import TensorType


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


def ones_of(
    formal: Sequence[TensorType | None], given: Iterable[Sequence[TensorType | None]]
) -> dict[DimLike, int]:
    """In how many samples a size is 1, by its form in the module's own names.

    Such a one gives way to what it meets: which is the larger, the form does not tell.
    """
    found: Counter[DimLike] = Counter()
    for types in given:
        pairs = zip(formal, types, strict=True) if len(types) == len(formal) else ()
        both = [(own, actual) for own, actual in pairs if own is not None and actual is not None]
        sizes = [
            pair for own, actual in both for pair in zip(own.shape, actual.shape, strict=False)
        ]
        found.update({dim for dim, size in sizes if size == 1})
    return dict(found)
