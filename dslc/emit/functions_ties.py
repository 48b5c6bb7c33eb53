"""Weights that several steps of one function read: the layer that owns them is kept in a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.ir.graph import ApplyOp
from dslc.ir.walk import regions
from dslc.passes.weights import branch_labels, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.ir.graph import Body, Step, Tie


@final
class Ties:
    """The ties of one module: which step's layer each of them means."""

    def __init__(self, body: Body) -> None:
        self.scopes: dict[int, str] = {}
        self.owners: dict[str, Step] = {}
        self.users: dict[int, list[Step]] = {}
        placed = list(places(body, ""))
        for scope, step in placed:
            self.scopes[step.id] = scope
            self.owners[join(scope, step.label)] = step
        for _, step in placed:
            for tie in step.tie.values():
                target = self.find(step, tie)
                if target is not None:
                    self.users.setdefault(target.id, []).append(step)

    def find(self, step: Step, tie: Tie) -> Step | None:
        """The step that owns a tied weight, looked up from the inner scope outwards."""
        if tie.model is not None:
            return None
        path = tuple(map(str, tie.path))
        scope = self.scopes[step.id].split(".")
        while True:
            for labels in (path[:-1], path):
                found = self.owners.get(join(*scope, *labels))
                if found is not None and found is not step:
                    return found
            if not any(scope):
                return None
            scope.pop()


def places(body: Body, scope: str) -> Iterator[tuple[str, Step]]:
    """Every op of a body that runs once, with the path of the scope around it."""
    for step in body.steps:
        if isinstance(step.action, ApplyOp):
            yield scope, step
        elif step.repeat is None:
            for label, inner in zip(branch_labels(step), regions(step.action), strict=False):
                yield from places(inner, join(scope, step.label, label))
