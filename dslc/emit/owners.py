"""Weights that are another's: a step that has all of them from one layer calls that layer.

A model for decoding with a cache computes with the weights of the model that is trained. Where each
of a step's weights is the same-named one of one step of another model, and both ops are the same, the
other's layer serves as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.flattening import all_formal
from dslc.ir.owners import owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.borrowing import Borrowing
    from dslc.emit.formal import Formal, FormalStep
    from dslc.emit.functions_ties import FunctionTies
    from dslc.ir.graph import Program, Step, Tie
    from dslc.ir.owners import Owner


@final
class Owners:
    """The ties of one generated module.

    Args:
        program: The program.
        formals: Its modules.
        borrowing: What follows ties inside a module too, where each of its scopes is a module.
    """

    def __init__(
        self,
        program: Program,
        formals: Iterable[Formal],
        borrowing: Borrowing | FunctionTies | None = None,
    ) -> None:
        self.program = program
        self.borrowing = borrowing
        self.steps = {
            (formal.module.name, found.step.id): found
            for formal in formals
            for found in all_formal(formal.steps)
        }
        self.whole: set[tuple[str, int]] = set()
        self.partly: set[tuple[str, int]] = set()
        self.owned = {
            key: owner
            for key, found in self.steps.items()
            if (owner := self.layer_behind(key[0], found)) is not None
        }
        for key, found in self.steps.items():
            for tie in found.step.tie.values():
                owner = self.owner(key[0], found.step, tie)
                if owner is not None:
                    place = self.whole if key in self.owned else self.partly
                    place.add((owner.module, owner.step.id))

    def owner(self, module: str, step: Step, tie: Tie) -> Owner | None:
        """The owner of a weight that a module's step is tied to."""
        if self.borrowing is None:
            return owner_of(self.program, tie)
        return self.borrowing.owner(module, step, tie)

    def reads(self, module: str, step: int) -> bool:
        """Whether another step reads the weights of one."""
        return (module, step) in self.whole | self.partly

    def layer_behind(self, module: str, found: FormalStep) -> Tie | None:
        """A tie that leads to the layer which does all that a step does; None where there is none."""
        if found.op is None or not found.step.tie:
            return None
        types = [type for type in found.inputs if type is not None]
        names = {weight.name or "weight" for weight in found.op.weights(*types)}
        ties = {name: self.owner(module, found.step, tie) for name, tie in found.step.tie.items()}
        owners = [owner for owner in ties.values() if owner is not None]
        if names != ties.keys() or len(owners) < len(ties):
            return None
        if len({(owner.module, owner.path) for owner in owners}) > 1:
            return None
        named = all(o.weight == name or not o.weight for name, o in ties.items() if o is not None)
        return (
            next(iter(found.step.tie.values()))
            if named and self.is_alike(found, owners[0])
            else None
        )

    def is_alike(self, found: FormalStep, owner: Owner) -> bool:
        """Whether an op is the owner's in every attribute, and, where channels are, in its rank."""
        other = self.steps.get((owner.module, owner.step.id))
        if other is None or found.op is None:
            return False
        if found.op.layout == "channels" and rank_of(found) != rank_of(other):
            return False
        kinds = {
            (type(s.op), *sorted(map(repr, s.op.values.items()))) for s in found.samples if s.op
        }
        return len(kinds) == 1 and kinds == {
            (type(s.op), *sorted(map(repr, s.op.values.items()))) for s in other.samples if s.op
        }


def rank_of(found: FormalStep) -> int | None:
    """The rank of what a step takes first; None where that is not known."""
    first = found.inputs[0] if found.inputs else None
    return None if first is None else first.rank
