"""Paths of what a spec freezes, in the unrolled model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.passes.weights import branch_labels, call_path, iteration_path, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.ir.instance import BodyInstance, Instance


def frozen_paths(instance: Instance, prefix: str = "") -> list[str]:
    """The path of every frozen step that is in no other frozen one."""
    return list(dict.fromkeys(_frozen(instance.body, prefix)))


def _frozen(
    body: BodyInstance, prefix: str, *, inside: bool = False, told: bool = False
) -> Iterator[str]:
    """The paths below a prefix.

    Args:
        body: The steps.
        prefix: The path of what they are in.
        inside: Whether that is frozen, so that all of it is.
        told: Whether it has a path that was given, which is that of all but the models called there.
    """
    for found in body.steps:
        frozen = inside or found.step.freeze
        named = frozen and bool(found.step.label)
        for number, iteration in enumerate(found.iterations):
            if iteration is None:
                continue
            path = iteration_path(prefix, found.step, number)
            if iteration.call is not None and iteration.call.module.home is not None:
                yield from _frozen(iteration.call.body, call_path(iteration, path))
                continue
            if named and not told:
                yield path
            if iteration.call is not None:
                yield from _frozen(iteration.call.body, path, inside=frozen, told=named or told)
            for label, inner in zip(branch_labels(found.step), iteration.bodies, strict=False):
                inner_path = join(path, label)
                yield from _frozen(inner, inner_path, inside=frozen, told=named or told)
