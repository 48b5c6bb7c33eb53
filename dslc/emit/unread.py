"""Steps with weights that no output needs: a functional graph would leave them, and the weights, out.

The file of weights has them (another model may read them, or the next round of a loop, which the last
one has not), so a model has them too. A value is held at the end of the body that makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.backend import at_step
from dslc.emit.borders import output_of
from dslc.emit.flow import written_inputs
from dslc.ir.graph import EVERY, MODULE, REGION_INPUT, Group, Parallel, Scan
from dslc.ir.walk import regions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.flow import Key
    from dslc.emit.formal import Formal, FormalStep
    from dslc.ir.graph import Ref


@final
class Unread:
    """Which values must be held, module by module; a list of values has its key."""

    def __init__(self, formals: Iterable[Formal]) -> None:
        self.known: dict[tuple[str, frozenset[str]], bool] = {}
        self.needed: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        self.held: dict[str, frozenset[Key]] = {}
        for formal in formals:
            refs = [output_of(formal, slot) for slot in every(formal)]
            self.held[formal.module.name] = frozenset(Reach(self, formal.steps, refs).held)

    def leaves(self, formal: Formal, slots: frozenset[str]) -> bool:
        """Whether some outputs of a module leave weights of it out that all of them together need.

        What nothing in it reads is held at its first output, so that this one is needed as well.
        """
        key = (formal.module.name, slots)
        if key not in self.known:
            refs = [output_of(formal, slot) for slot in slots]
            found, always = Reach(self, formal.steps, refs).held, self.held[formal.module.name]
            is_first = next(iter(formal.outputs)) in slots
            self.known[key] = bool(found - always if is_first else found)
        return self.known[key]

    def inputs(self, formal: Formal, slots: frozenset[str]) -> frozenset[str]:
        """The inputs of a module that some of its outputs need."""
        key = (formal.module.name, slots)
        if key not in self.needed:
            refs = [output_of(formal, slot) for slot in slots]
            found = Reach(self, formal.steps, refs)
            live = found.live | found.chosen
            self.needed[key] = frozenset(slot for owner, slot in live if owner == MODULE)
        return self.needed[key]

    def restarts(self, found: FormalStep) -> bool:
        """Whether the rounds of a loop have weights and read nothing of the rounds before them."""
        if not has_weights(found):
            return False
        callee = found.callee
        if callee is not None:
            needed = self.inputs(callee, frozenset({next(iter(callee.outputs))}))
            return callee.module.inputs[0].name not in needed
        if not found.bodies or isinstance(found.step.action, Scan):
            return False
        results = [body.result for body in regions(found.step.action)]
        steps = [step for inner in found.bodies for step in inner]
        reach = Reach(self, steps, results)
        return (found.step.id, REGION_INPUT) not in reach.live | reach.chosen


@final
class Reach:
    """Walks the steps of a module or region backwards from some of its values.

    Attributes:
        live: The values that something reads.
        chosen: The lists of a repeat's values from which one is chosen, so that others may be left.
        held: The values that must be held.
    """

    def __init__(self, unread: Unread, steps: list[FormalStep], refs: Iterable[Ref]) -> None:
        self.unread = unread
        self.live: set[Key] = set()
        self.chosen: set[Key] = set()
        self.held: set[Key] = set()
        self.read(refs)
        self.body(steps)

    def read(self, refs: Iterable[Ref | None]) -> None:
        """Notes what something reads."""
        for ref in refs:
            if ref is not None:
                is_one = ref.index not in (None, EVERY)
                (self.chosen if is_one else self.live).add(ref.key)

    def body(self, steps: list[FormalStep]) -> None:
        """The steps of a body, the last one first."""
        for found in reversed(steps):
            with at_step(found.step.span):
                self.step(found)

    def step(self, found: FormalStep) -> None:
        """One step: what it reads is live where it is itself, or is held."""
        step = found.step
        if found.absent:  # its value is what enters it, and it reads nothing else
            wanted = any(owner == step.id for owner, _ in self.live | self.chosen)
            self.read(step.inputs[:1] if wanted else ())
            return
        given = {slot.removesuffix("[]") for owner, slot in self.live if owner == step.id}
        chosen = {slot.removesuffix("[]") for owner, slot in self.chosen if owner == step.id}
        left = self.left(found, given, chosen - given)
        self.held |= {(step.id, f"{s}[]" if s in chosen and s else s) for s in left}
        given |= chosen | left
        if not given:
            return
        self.read(ref for slot, ref in step.exports if slot in given)
        whole = "" in given or step.repeat is not None or not isinstance(step.action, Group)
        for number, (body, inner) in enumerate(
            zip(regions(step.action), found.bodies, strict=False)
        ):
            if whole and (not is_fork(found) or is_read(found, number, given)):
                self.read([body.result])
            if isinstance(step.action, Scan):
                self.read(step.action.next)
            self.body(inner)
        self.read(self.inputs(found, given))

    def inputs(self, found: FormalStep, given: set[str]) -> list[Ref]:
        """The inputs that a step needs: what a region or a block is given it may leave unread."""
        step, callee = found.step, found.callee
        if callee is not None and not callee.module.is_model:
            needed = self.unread.inputs(callee, frozenset(given.intersection(callee.outputs)))
            pairs = zip(callee.module.inputs, step.inputs, strict=False)
            return [ref for item, ref in pairs if ref is not None and item.name in needed]
        refs = written_inputs(found)
        is_region = bool(found.bodies) and not isinstance(step.action, Scan)
        return refs[1:] if is_region and (step.id, REGION_INPUT) not in self.live else refs

    def left(self, found: FormalStep, given: set[str], chosen: set[str]) -> set[str]:
        """The outputs of a step without which weights of it would be left out.

        Args:
            found: The step.
            given: Its outputs that are read, of every round.
            chosen: Those of which one round's is read.
        """
        if found.absent or not has_weights(found):
            return set()
        callee = found.callee
        if callee is not None and not callee.module.is_model:
            slots = set(every(callee)) - given
            inner = frozenset(given.intersection(callee.outputs))
            return slots if slots and self.unread.leaves(callee, inner) else set()
        if is_fork(found):
            return branches_left(found, given)
        slots = ({""} - given) | chosen
        if not given | chosen:
            return slots
        if found.op is not None or isinstance(found.step.action, Scan):
            return slots if found.op is not None and found.step.repeat is not None else set()
        return slots if self.leaves(found, given, chosen) else set()

    def leaves(self, found: FormalStep, given: set[str], chosen: set[str]) -> bool:
        """Whether some values of a region leave weights of it out that all of them together need.

        What nothing in it reads is held at its own value, so that this one is needed as well.
        """
        steps = [step for inner in found.bodies for step in inner]
        results = [body.result for body in regions(found.step.action)]

        def held(slots: set[str]) -> set[Key]:
            refs = [*(results if "" in slots else ())]
            refs += [ref for slot, ref in found.step.exports if slot in slots]
            return Reach(self.unread, steps, refs).held

        left = held(given)
        return bool(left - held({"", *given, *chosen}) if "" in given else left)


def is_fork(found: FormalStep) -> bool:
    """Whether a step has an output for each of its branches."""
    action = found.step.action
    return isinstance(action, Parallel) and action.join == "none" and found.step.repeat is None


def is_read(found: FormalStep, number: int, given: set[str]) -> bool:
    """Whether one of a fork's branches is read; the first is the step's own value as well."""
    slots = list(found.outputs)
    return slots[number + 1] in given or (number == 0 and slots[0] in given)


def branches_left(found: FormalStep, given: set[str]) -> set[str]:
    """The branches of a fork that have weights and that nothing reads."""
    slots = list(found.outputs)[1:]
    return {
        slot
        for number, (slot, steps) in enumerate(zip(slots, found.bodies, strict=False))
        if not is_read(found, number, given) and any(map(has_weights, steps))
    }


def every(formal: Formal) -> frozenset[str]:
    """All outputs of a module, each once."""
    return frozenset(formal.outputs)


def has_weights(found: FormalStep) -> bool:
    """Whether a step, or one inside it, owns a weight; a model's are kept without its calls."""
    if found.absent or found.reused is not None:
        return False
    if found.callee is not None:
        if found.callee.module.is_model:
            return False
        return any(map(has_weights, found.callee.steps))
    if found.op is not None:
        types = [type for type in found.inputs if type is not None]
        names = {weight.name or "weight" for weight in found.op.weights(*types)}
        return bool(names - found.step.tie.keys())
    return any(has_weights(inner) for steps in found.bodies for inner in steps)
