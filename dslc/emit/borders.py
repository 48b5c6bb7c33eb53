"""In which layout values pass a border: from module to module, from round to round, into a list.

A channels-last backend computes images with their channels last; but not every value of four axes is
an image: windows of a transformer and heads of an attention are not, and neither is what a network
has turned to `[N, H, W, C]` itself. So what a value is used for decides. Values that are laid out
alike wherever they go (through what works on each element, residual paths, loops, calls) form a
class; it is laid out channels last where some op in it works on channels, and as the spec says where
only ops do that want the spec's order. Either is right: what meets another layout is transposed.

The inputs and outputs of models are what callers see: there every value of four axes counts as an
image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.flattening import all_formal
from dslc.emit.shapes import boundary_layout
from dslc.ir.graph import MODULE, REGION_INPUT, Group, Parallel, Residual, Scan, round_slot
from dslc.ir.walk import regions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.flow import Key
    from dslc.emit.formal import Formal, FormalStep
    from dslc.emit.target import Target
    from dslc.ir.graph import Ref
    from dslc.ir.types import TensorType

    Place = tuple[str, int, str]
    """A module, and a value in it."""

LEAST_AXES = 4
"""The axes from which a value may pass a border with its channels last."""
STRENGTH = ("spec", "last")
"""What an op wants, the stronger one behind."""


@final
class Borders:
    """The layouts of one generated module."""

    def __init__(self, target: Target, formals: Iterable[Formal] = ()) -> None:
        self.target = target
        self.parents: dict[Place, Place] = {}
        self.ranks: dict[Place, int] = {}
        self.wants: dict[Place, set[str]] = {}
        self.seen: dict[Place, bool] = {}
        for formal in formals if target.channels_last else ():
            Uses(self, formal).note()

    def layout(self, formal: Formal, key: Key, type: TensorType) -> str:
        """The layout in which a value of a module passes a border."""
        if boundary_layout(self.target, type) == "spec":
            return "spec"
        root = self.root((formal.module.name, *key))
        wants = self.wants.get(root, ())
        for layout in reversed(STRENGTH):
            if layout in wants:
                return layout
        return "last" if self.seen.get(root, root not in self.ranks) else "spec"

    def input(self, formal: Formal, name: str) -> str:
        """The layout of a module's input."""
        type = formal.inputs[name]
        if formal.module.is_model:
            return boundary_layout(self.target, type)
        return self.layout(formal, (MODULE, name), type)

    def output(self, formal: Formal, slot: str) -> str:
        """The layout of a module's output; "" is a block's value."""
        type = formal.outputs[slot]
        if formal.module.is_model:
            return boundary_layout(self.target, type)
        return self.layout(formal, output_of(formal, slot).key, type)

    def root(self, place: Place) -> Place:
        """What stands for the class of a value."""
        while self.parents.get(place, place) != place:
            place = self.parents[place]
        return place

    def link(self, left: Place, right: Place) -> None:
        """Lays two values out alike, where both have the same number of axes."""
        if self.ranks.get(left, 0) != self.ranks.get(right, 0) or self.ranks.get(left) is None:
            return
        old, new = self.root(left), self.root(right)
        if old != new:
            self.parents[old] = new
            self.wants.setdefault(new, set()).update(self.wants.pop(old, ()))
            self.seen[new] = self.seen.get(new, False) or self.seen.get(old, False)

    def want(self, place: Place, layout: str) -> None:
        """Notes what an op wants of a value."""
        if place in self.ranks:
            self.wants.setdefault(self.root(place), set()).add(layout)


@final
class Uses:
    """What the steps of one module do with its values."""

    def __init__(self, borders: Borders, formal: Formal) -> None:
        self.borders = borders
        self.formal = formal
        self.own = formal.module.name

    def note(self) -> None:
        """Tells the borders of every value and every step."""
        steps = list(all_formal(self.formal.steps))
        for (owner, slot), type in self.formal.values.items():
            self.rank((owner, slot), type)
        for found in steps:
            for slot, type in found.outputs.items():
                self.rank((found.step.id, slot), type)
            for slot in found.step.kept:
                if slot in found.rounds:
                    self.rank((found.step.id, f"{slot}[]"), found.rounds[slot])
        if self.formal.module.is_model:
            inputs = [(MODULE, name) for name in self.formal.inputs]
            for key in (*inputs, *(ref.key for _, ref in self.formal.module.outputs)):
                self.borders.seen[self.borders.root((self.own, *key))] = True
        for found in steps:
            self.step(found)

    def rank(self, key: Key, type: TensorType) -> None:
        """Notes how many axes a value has."""
        if type.rank >= LEAST_AXES:
            self.borders.ranks[self.own, *key] = type.rank

    def link(self, left: Key, right: Key) -> None:
        """Lays two values of the module out alike."""
        self.borders.link((self.own, *left), (self.own, *right))

    def step(self, found: FormalStep) -> None:
        """One step: its value and its input in a loop or under a condition, and what it does."""
        step, value = found.step, (found.step.id, "")
        first = step.inputs[0] if step.inputs else None
        if first is not None and (found.absent or step.repeat is not None or step.when is not None):
            self.link(value, first.key)
        for slot in step.kept:
            self.link((step.id, f"{slot}[]"), (step.id, slot))
        for slot, ref in step.exports:
            self.link((step.id, slot), ref.key)
        if found.absent:
            return
        if found.op is not None:
            self.op(found)
        elif found.callee is not None:
            self.call(found, found.callee)
        elif isinstance(step.action, Scan):
            self.scan(found, step.action)
        else:
            self.region(found)

    def op(self, found: FormalStep) -> None:
        """An op: what it wants, and which of its values are laid out alike."""
        assert found.op is not None
        if isinstance(found.op, self.borders.target.any_layout):
            return
        keys = [ref.key for ref in found.step.inputs if ref is not None]
        outputs = [(found.step.id, slot) for slot in found.outputs]
        kind = found.op.layout
        if kind == "channels":
            for key in keys[1:]:
                self.borders.want((self.own, *key), "spec")
            keys = keys[:1]
        for key in (*keys, *outputs):
            if kind != "spec":
                self.link(key, (found.step.id, ""))
            if kind in ("spec", "channels"):
                layout = "last" if kind == "channels" else kind
                self.borders.want((self.own, *key), layout)

    def call(self, found: FormalStep, callee: Formal) -> None:
        """A call: what it is given and what it gives are the callee's."""
        name = callee.module.name
        for ref, item in zip(found.step.inputs, callee.module.inputs, strict=True):
            if ref is not None:
                self.borders.link((self.own, *ref.key), (name, MODULE, item.name))
        for slot in callee.outputs:
            inner = output_of(callee, slot).key
            self.borders.link((self.own, found.step.id, slot), (name, *inner))

    def region(self, found: FormalStep) -> None:
        """A region: its paths begin alike, and end as its value unless an axis is new there."""
        step, action = found.step, found.step.action
        if step.inputs and step.inputs[0] is not None:
            self.link((step.id, REGION_INPUT), step.inputs[0].key)
        slots = [""]
        if isinstance(action, Parallel) and action.join == "none":
            slots = list(found.outputs)[1:]
            self.link((step.id, ""), (step.id, slots[0]))
        assert isinstance(action, Group | Residual | Parallel)
        for k, body in enumerate(regions(action)):
            self.link((step.id, slots[k % len(slots)]), body.result.key)

    def scan(self, found: FormalStep, action: Scan) -> None:
        """A scan: a carry is laid out alike all along; rows go in and out as the spec says."""
        step = found.step
        for name, ref in zip(action.carry, action.next, strict=True):
            self.link((step.id, name), (step.id, round_slot(name)))
            self.link((step.id, name), ref.key)
        for name, ref in zip((*action.over, *action.carry), step.inputs, strict=True):
            if ref is not None and name in action.carry:
                self.link((step.id, name), ref.key)
        for key in ((step.id, ""), *((step.id, round_slot(name)) for name in action.over)):
            self.borders.want((self.own, *key), "spec")


def output_of(formal: Formal, slot: str) -> Ref:
    """The value that a module hands out under a name; "" is a block's own value."""
    if not slot and not formal.module.is_model:
        return formal.module.body.result
    return dict(formal.module.outputs)[slot] if slot else formal.module.outputs[0][1]
