"""Weights of other steps where blocks are functions: the layers that have them are kept in variables.

A function's scopes stand in one text, so a layer made in any of them is at hand below; one that a loop
makes is kept in a list, and one in a block that is called is found in it by its name. What stands
outside of the function is an argument of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.ir.graph import ApplyOp, CallModule, Reuse, Scan, Tie
from dslc.ir.owners import Owner, owner_of, path_text, tie_path
from dslc.ir.walk import regions
from dslc.passes.weights import branch_labels
from dslc.syntax.expressions import free_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Body, Program, Step
    from dslc.ir.owners import Part

    Path = tuple[Part, ...]

ANY = "*"
"""What stands in the path of a place for the number of a loop's round."""


@final
class Place:
    """A step in a function: the scope that it stands in, and its own path with a number's place.

    `scan` is the scan whose round it belongs to, 0 for none: a round is a graph of its own. A step
    `may_lack` where a condition stands at it or around it.
    """

    __slots__ = ("may_lack", "order", "path", "scan", "scope", "step")

    def __init__(self, step: Step, scope: Path, order: int, scan: int, *, may_lack: bool) -> None:
        self.step = step
        self.scope = scope
        self.order = order
        self.scan = scan
        self.may_lack = may_lack
        repeats = step.repeat is not None and not step.repeat.share
        own = (step.label,) if step.label else ()
        self.path = (*scope, *own, *((ANY,) if repeats and own else ()))

    @property
    def is_numbered(self) -> bool:
        """Whether its layers are kept by their numbers: a list has no gaps, nor several axes."""
        return self.may_lack or self.path.count(ANY) > 1


@final
class Held:
    """A layer that has a weight: the step that made it here, and the op, further in where that calls.

    `indices` choose a round of the loops that made it, but for the first `around` loops, which run
    around the reader too; `place` is its path in the function, `inner` the rest of it in what the step
    calls, and `weight` the weight's own name. Where the indices are the reader's, `count` says how many.
    """

    __slots__ = ("around", "home", "indices", "inner", "owner", "place", "weight")

    def __init__(self, place: Place, indices: Path, owner: Owner, count: int | None = None) -> None:
        self.place = place
        self.indices = indices
        self.around = place.path.count(ANY) - (len(indices) if count is None else count)
        self.home = owner.module
        self.owner = owner.step
        self.inner = owner.path
        self.weight = owner.weight


@final
class Loan:
    """A layer that a function is given, or the list of them that a loop made."""

    __slots__ = ("held", "home", "listed", "path")

    def __init__(self, path: Path, home: str, held: Held, *, listed: bool) -> None:
        self.path = path
        self.home = home
        self.held = held
        self.listed = listed

    @property
    def kind(self) -> str:
        """What it is, as an annotation."""
        if not self.listed:
            return "layers.Layer"
        place = self.held.place
        if not place.is_numbered:
            return "list[layers.Layer]"
        number = "int" if place.path.count(ANY) - self.held.around == 1 else "tuple[int, ...]"
        return f"dict[{number}, layers.Layer]"


@final
class FunctionTies:
    """Whose weight each tie means, and which layers are kept and handed on for it.

    Attributes:
        lent: By module, the steps whose layers are kept since other steps read their weights.
        listed: By module, those among them that loops make and a number chooses.
        loans: By module, what it is given, by the path to it.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.places = {
            name: {p.step.id: p for p in numbered(module.body)}
            for name, module in program.modules.items()
        }
        self.callers: dict[str, list[tuple[str, Step]]] = {}
        self.lent: dict[str, set[int]] = {name: set() for name in program.modules}
        self.listed: dict[str, set[int]] = {name: set() for name in program.modules}
        self.loans: dict[str, dict[str, Loan]] = {}
        self.ties: dict[tuple[str, int, str], Loan] = {}
        steps = [(name, p.step) for name, all_ in self.places.items() for p in all_.values()]
        for name, step in steps:
            if isinstance(step.action, CallModule):
                self.callers.setdefault(step.action.module, []).append((name, step))
        for name, step in steps:
            if isinstance(step.action, Reuse):
                self.note_reuse(name, step.action.step)
            for tie in step.tie.values():
                self.note(name, step, tie)

    def note(self, module: str, step: Step, tie: Tie) -> None:
        """Notes what must be kept for a tie, here or around."""
        step, tie = self.last(module, step, tie)
        if tie.model is not None:
            return
        held = self.find(module, step, tie)
        if held is not None:
            self.keep(module, held)
            return
        loan = self.lend(module, tie)
        if loan is not None:
            self.ties[module, step.id, tie_path(tie)] = loan

    def keep(self, module: str, held: Held) -> None:
        """Notes that the layer of a step is kept, in a list where a number chooses it."""
        step = held.place.step
        self.lent[module].add(step.id)
        if held.indices:
            self.listed[module].add(step.id)

    def around(self, module: str, step: int) -> int:
        """How many loops run around a step that another one beside it runs again in a loop."""
        place = self.places[module].get(step)
        return 0 if place is None else place.path.count(ANY) - 1

    def note_reuse(self, module: str, step: Step) -> None:
        """Notes that a step runs again, which may stand around the module."""
        if step.id in self.places[module]:
            if self.places[module][step.id].path[-1] == ANY:
                self.listed[module].add(step.id)
            return
        for name, _ in self.callers.get(module, ()):
            self.note_reuse(name, step)
            place = self.places[name].get(step.id)
            loan = self.loans.get(name, {}).get(step.label)
            if place is not None:
                self.lent[name].add(step.id)
                listed = place.path[-1] == ANY
                held = Held(place, (), Owner(name, step, (), ""), int(listed))
                loan = Loan((step.label,), name, held, listed=listed)
            if loan is not None:
                self.loans.setdefault(module, {})[step.label] = loan

    def lend(self, module: str, tie: Tie) -> Loan | None:
        """Lets a function be given a layer, and those that call it hand it on."""
        given: Loan | None = None
        for name, call in self.callers.get(module, ()):
            step, end = self.last(name, call, tie)
            held = self.find(name, step, end)
            loan = self.lend(name, end) if held is None else self.loan(name, end, held)
            given = given or loan
        if given is not None:
            self.loans.setdefault(module, {})[path_text(given.path)] = given
        return given

    def loan(self, module: str, tie: Tie, held: Held) -> Loan:
        """What a function hands on for a tie: the layer, or a list where the number changes."""
        self.keep(module, held)
        known = self.program.values.keys()
        parts = [part for part in held.indices if not isinstance(part, str)]
        listed = any(free_names(part) - known for part in parts)
        count = len(held.weight.split(".")) if held.weight else 0
        path = tie.path[: len(tie.path) - count]
        if listed:
            path = path[: next(k for k, part in enumerate(path) if not isinstance(part, str))]
        return Loan(path, module, held, listed=listed)

    def of(self, module: str) -> Mapping[str, Loan]:
        """What a function is given."""
        return self.loans.get(module, {})

    def is_direct(self, module: str, step: Step) -> bool:
        """Whether a layer of a function's own graph is a step's: not one in a scan or a call."""
        place = self.places[module].get(step.id)
        return place is not None and not place.scan

    def is_elsewhere(self, module: str, step: Step, owner: int | None, tie: Tie | None) -> bool:
        """Whether the layer that a step calls again stands in another graph.

        Args:
            module: The step's module.
            step: The step.
            owner: The step that it runs again.
            tie: Or the tie that leads to its layer.
        """
        places = self.places[module]
        if tie is not None:
            last, tie = self.last(module, step, tie)
            held = None if tie.model is not None else self.find(module, last, tie)
            if held is None or held.inner:
                return True
            owner = held.place.step.id
        return owner not in places or places[owner].scan != places[step.id].scan

    def owner(self, module: str, step: Step, tie: Tie) -> Owner | None:
        """The step that owns a tied weight; None where none does."""
        step, tie = self.last(module, step, tie)
        if tie.model is not None:
            return owner_of(self.program, tie)
        held = self.find(module, step, tie)
        if held is None:
            loan = self.ties.get((module, step.id, tie_path(tie)))
            if loan is None:
                return None
            held = loan.held
        path = (*held.place.path, *held.indices, *held.inner)
        return Owner(held.home, held.owner, path, held.weight)

    def last(self, module: str, step: Step, tie: Tie) -> tuple[Step, Tie]:
        """The end of a chain of ties: a weight may be one that is another's itself."""
        found = None if tie.model is not None else self.find(module, step, tie)
        while found is not None and not found.inner:
            further = found.owner.tie.get(found.weight or "weight")
            if further is None:
                break
            step, tie = found.owner, further
            found = None if tie.model is not None else self.find(module, step, tie)
        return step, tie

    def find(self, module: str, step: Step, tie: Tie) -> Held | None:
        """The layer of a tied weight, looked up from the inner scope outwards."""
        own = self.places[module][step.id]
        for count in range(len(own.scope), -1, -1):
            if count < len(own.scope) and own.scope[count] == ANY:
                continue
            wanted = (*own.scope[:count], *tie.path)
            for place in self.places[module].values():
                if place.order < own.order:
                    held = self.at(module, place, wanted, count)
                    if held is not None:
                        return held
        return None

    def at(self, module: str, place: Place, wanted: Path, count: int) -> Held | None:
        """The layer at a place, where a path leads to it; its first parts are those of a scope."""
        action, path = place.step.action, place.path
        if not isinstance(action, ApplyOp | CallModule) or len(wanted) < len(path):
            return None
        rest = wanted[len(path) :]
        if any(a not in (b, ANY) for a, b in zip(path, wanted, strict=False)):
            return None
        indices = tuple(
            w for k, w in enumerate(wanted[: len(path)]) if path[k] == ANY and k >= count
        )
        if isinstance(action, ApplyOp):
            return Held(place, indices, Owner(module, place.step, (), ".".join(map(str, rest))))
        callee = self.program.modules[action.module]
        if callee.home is not None or not rest:
            return None
        found = owner_of(self.program, Tie(rest, place.step.span), callee)
        return None if found is None else Held(place, indices, found)


def numbered(body: Body) -> list[Place]:
    """Every step of a body and of the regions inside with its place, in order."""
    found: list[Place] = []

    def visit(body: Body, scope: Path, scan: int, may_lack: bool) -> None:
        for step in body.steps:
            lacks = may_lack or step.when is not None
            place = Place(step, scope, len(found), scan, may_lack=lacks)
            found.append(place)
            inner = step.id if isinstance(step.action, Scan) else scan
            for label, region in zip(branch_labels(step), regions(step.action), strict=False):
                visit(region, (*place.path, label) if label else place.path, inner, lacks)

    visit(body, (), 0, False)
    return found
