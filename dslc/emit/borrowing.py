"""Layers that a module is given: a weight of its own steps is that of a step around it.

A weight exists once, so the module that holds the tie takes the layer behind its inputs, as in
`head(x, self.wte)`, and reads the weight there. A module between the two hands the layer on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.ir.graph import CallModule, Reuse
from dslc.ir.owners import Owner, owner_behind_call, owner_of, path_text, tie_path
from dslc.ir.walk import all_steps
from dslc.syntax.expressions import free_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Program, Step, Tie
    from dslc.ir.owners import Part

    Path = tuple[Part, ...]


@final
class Loan:
    """A layer, or a list of layers, that a module is given.

    `path` leads to it where it is made, `home` is the module that has it, and `owner` the step.
    """

    __slots__ = ("home", "owner", "path")

    def __init__(self, path: Path, home: str, owner: Owner) -> None:
        self.path = path
        self.home = home
        self.owner = owner


@final
class Borrowing:
    """The layers that each module of a program is given, by their paths as text.

    Args:
        program: The program.
        lends: Whether modules are given any: where scopes are objects.
    """

    def __init__(self, program: Program, *, lends: bool = True) -> None:
        self.program = program
        self.callers: dict[str, list[tuple[str, Step]]] = {}
        self.places: dict[str, dict[int, int]] = {}
        self.ties: dict[tuple[str, str], Loan] = {}
        self.loans: dict[str, dict[str, Loan]] = {}
        for name, module in program.modules.items():
            self.places[name] = {step.id: k for k, step in enumerate(all_steps(module.body))}
            for step in all_steps(module.body):
                if isinstance(step.action, CallModule):
                    self.callers.setdefault(step.action.module, []).append((name, step))
        for name, module in program.modules.items() if lends else ():
            for step in all_steps(module.body):
                if isinstance(step.action, Reuse) and self.is_outside(name, step.action.step):
                    self.lend_step(name, step.action.step)
                for tie in step.tie.values():
                    if tie.model is None and self.seen(name, step, tie) is None:
                        self.lend(name, tie)

    def of(self, module: str) -> Mapping[str, Loan]:
        """What a module is given."""
        return self.loans.get(module, {})

    def loan(self, module: str, step: Step, tie: Tie) -> Loan | None:
        """What a module is given for a tie; None where it has the owner itself."""
        _, tie = self.last(module, step, tie)
        return self.ties.get((module, tie_path(tie)))

    def owner(self, module: str, step: Step, tie: Tie) -> Owner | None:
        """The step that owns a tied weight, in the module or around it; None where none does."""
        step, tie = self.last(module, step, tie)
        loan = self.ties.get((module, tie_path(tie)))
        return self.seen(module, step, tie) if loan is None else loan.owner

    def last(self, module: str, step: Step, tie: Tie) -> tuple[Step, Tie]:
        """The end of a chain of ties: a weight may be one that is another's itself."""
        found = self.seen(module, step, tie)
        while found is not None and found.module == module and tie.model is None:
            further = found.step.tie.get(found.weight or "weight")
            if further is None:
                break
            step, tie = found.step, further
            found = self.seen(module, step, tie)
        return step, tie

    def seen(self, module: str, step: Step, tie: Tie) -> Owner | None:
        """The step that owns a tied weight, where it stands in a module, above a step of it."""
        own = self.program.modules[module]
        found = owner_of(self.program, tie, own)
        if found is None or tie.model is not None:
            return found
        behind = owner_behind_call(self.program, own, tie)
        first = found.step if behind is None else behind[0]
        places = self.places[module]
        return found if places[first.id] < places[step.id] else None

    def lend(self, module: str, tie: Tie) -> Loan | None:
        """Lets a module be given a layer, and those that call it hand it on."""
        found: Loan | None = None
        for name, call in self.callers.get(module, ()):
            step, end = self.last(name, call, tie)
            owner = self.seen(name, step, end)
            if owner is None:
                loan = self.lend(name, end)
            else:
                loan = Loan(self.movable(owner.path), name, owner)
            found = found or loan
        if found is not None:
            self.ties[module, tie_path(tie)] = found
            self.loans.setdefault(module, {})[path_text(found.path)] = found
        return found

    def is_outside(self, module: str, step: Step) -> bool:
        """Whether a step that is used again stands around a module."""
        return step.id not in self.places[module]

    def lend_step(self, module: str, step: Step) -> Loan | None:
        """Lets a module be given what a step around it made."""
        found: Loan | None = None
        for name, _ in self.callers.get(module, ()):
            if self.is_outside(name, step):
                loan = self.lend_step(name, step)
            else:
                loan = Loan((step.label,), name, Owner(name, step, (step.label,), ""))
            found = found or loan
        if found is not None:
            self.loans.setdefault(module, {})[step.label] = found
        return found

    def movable(self, path: Path) -> Path:
        """The part of a path that means the same in every module: up to an index that changes."""
        known = self.program.values.keys()
        for k, part in enumerate(path):
            if not isinstance(part, str) and free_names(part) - known:
                return path[:k]
        return path
