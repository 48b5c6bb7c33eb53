"""Weights that several steps of one function read: the layer that owns them is kept in a variable.

Where the owner stands in a block that the function calls, the block's call is kept as one layer, in
which the owner is found by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.flattening import all_formal
from dslc.ir.graph import ApplyOp
from dslc.ir.owners import owner_behind_call, tie_path
from dslc.ir.walk import regions
from dslc.passes.weights import branch_labels, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dslc.emit.formal import Formal
    from dslc.ir.graph import Body, Program, Step, Tie
    from dslc.ir.owners import Owner


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


@final
class InnerTies:
    """The ties of one generated module that lead into blocks.

    Attributes:
        owners: By module, step and the path of the tie: the call behind which the owner is, and it.
        opened: The calls of each module that are kept for it.
    """

    def __init__(self, program: Program, formals: Iterable[Formal]) -> None:
        self.owners: dict[tuple[str, int, str], tuple[Step, Owner]] = {}
        self.opened: dict[str, set[int]] = {}
        for formal in formals:
            own = Ties(formal.module.body)
            for found in all_formal(formal.steps):
                for tie in found.step.tie.values():
                    if tie.model is None and own.find(found.step, tie) is None:
                        self.add(program, formal, found.step, tie)

    def add(self, program: Program, formal: Formal, step: Step, tie: Tie) -> None:
        """Notes a tie whose owner is not beside it."""
        found = owner_behind_call(program, formal.module, tie)
        if found is not None:
            name = formal.module.name
            self.owners[name, step.id, tie_path(tie)] = found
            self.opened.setdefault(name, set()).add(found[0].id)

    def find(self, formal: Formal, step: Step, tie: Tie) -> tuple[Step, Owner] | None:
        """The call behind which a weight is, and its owner."""
        return self.owners.get((formal.module.name, step.id, tie_path(tie)))

    def read(self) -> set[tuple[str, int]]:
        """The owners, as modules and steps."""
        return {(owner.module, owner.step.id) for _, owner in self.owners.values()}


def places(body: Body, scope: str) -> Iterator[tuple[str, Step]]:
    """Every op of a body that runs once, with the path of the scope around it."""
    for step in body.steps:
        if isinstance(step.action, ApplyOp):
            yield scope, step
        elif step.repeat is None:
            for label, inner in zip(branch_labels(step), regions(step.action), strict=False):
                yield from places(inner, join(scope, step.label, label))
