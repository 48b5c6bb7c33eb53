"""Paths of what a spec freezes, in the unrolled model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.passes.weights import branch_labels, call_path, iteration_path, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.ir.instance import BodyInstance, Instance


def frozen_paths(instance: Instance, prefix: str = "") -> list[str]:
    """The path of every frozen step that is in no other frozen one."""
    return list(dict.fromkeys(_frozen(instance.body, prefix, inside=False)))


def _frozen(body: BodyInstance, prefix: str, *, inside: bool) -> Iterator[str]:
    """The paths below a prefix; `inside` a frozen structure that has no path of its own, all."""
    for found in body.steps:
        frozen = inside or found.step.freeze
        for number, iteration in enumerate(found.iterations):
            if iteration is None:
                continue
            path = iteration_path(prefix, found.step, number)
            if iteration.call is not None and iteration.call.module.home is not None:
                yield from _frozen(iteration.call.body, call_path(iteration, path), inside=False)
                continue
            if frozen and found.step.label:
                yield path
                continue
            if iteration.call is not None:
                yield from _frozen(iteration.call.body, path, inside=frozen)
            for label, inner in zip(branch_labels(found.step), iteration.bodies, strict=False):
                yield from _frozen(inner, join(path, label), inside=frozen)
