"""Scans in a method: what a target needs to write one in its framework's own form.

The body is written once, with the round's parts and the carries in variables of their own. What it
reads from around it is put into variables before, and nothing inside may take one of those over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.flattening import all_formal
from dslc.emit.flow import Value, written_inputs
from dslc.emit.method import MethodWriter
from dslc.emit.python import Line
from dslc.ir.graph import Scan, round_slot
from dslc.ir.walk import ends
from dslc.passes.scans import part_of, time_axis

if TYPE_CHECKING:
    from dslc.emit.flow import Key
    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement
    from dslc.ir.graph import Ref
    from dslc.ir.types import TensorType
    from dslc.syntax.expressions import Expr


@final
class ScanText:
    """A scan as text.

    `over` are the sequences, `axes` their time axes, `parts` a round's variables for them; `starts`
    are the carries' first values, `carries` their variables and `nexts` their values after a round.
    `out` is what a round hands out, "" where nothing reads it (`hands_on` says that it is the new
    value of the carry of its name), and goes into `result`, on the axis `out_axis`. `times` counts the rounds where there is no sequence; `captured` are the
    variables from around that the body reads, `kept` the carries that something reads behind the scan;
    `found` is the step.
    """

    def __init__(self, found: FormalStep, action: Scan) -> None:
        self.found = found
        self.reverse = action.reverse
        self.over: list[str] = []
        self.axes: list[int] = []
        self.parts: list[str] = []
        self.starts: list[str] = []
        self.carries: list[str] = []
        self.nexts: list[str] = []
        self.body: list[Statement] = []
        self.out = ""
        self.hands_on = False
        self.result = ""
        self.out_axis = 0
        self.times = ""
        self.captured: list[str] = []
        self.kept: set[str] = set()

    @property
    def function(self) -> str:
        """What the function of one round is called, where there is one."""
        label = self.found.step.label
        return f"{label}_step" if label else "step"

    def assignment(self) -> list[Statement]:
        """The carries' new values, all at once."""
        pairs = [(c, n) for c, n in zip(self.carries, self.nexts, strict=True) if c != n]
        if not pairs:
            return []
        targets, values = (", ".join(texts) for texts in zip(*pairs, strict=True))
        return [Line(f"{targets} = {values}")]


class ScanWriter(MethodWriter):
    """Writes scans; a subclass writes the steps inside."""

    def steps(self, steps: list[FormalStep]) -> None:
        """Steps in order."""
        raise TypeError(f"no writer of {len(steps)} steps")

    def hold(self, steps: list[FormalStep], result: Ref) -> None:
        """Holds what none of a body's steps reads, where a framework would leave it out."""

    def scan(self, found: FormalStep, first: Value | None = None) -> None:
        """A scan; `first` is its first input where a loop around hands that on."""
        step, flow, action = found.step, self.flow, found.step.action
        assert isinstance(action, Scan)
        captured, taken = self.captured(found), flow.taken
        for key in captured:
            flow.store(key)
            flow.remaining[key] += 1
        text = ScanText(found, action)
        text.captured = list(dict.fromkeys(flow.read_key(key).text for key in captured))
        self.enter_over(text, action, first)
        self.enter_carries(text, action, first)
        if action.times is not None:
            self.enter_times(text, action.times)
        self.write_round(text, action)
        for ref in step.inputs[first is not None : len(action.over)]:
            assert ref is not None
            flow.done(ref)
        for key in captured:
            flow.remaining[key] -= 1
        for name, variable in zip(action.carry, text.carries, strict=True):
            if flow.remaining.get((step.id, name), 0):
                text.kept.add(variable)
            flow.values[step.id, name] = self.carry_value(found, name, variable)
        flow.lines += self.target.scan(self.writer, text)
        flow.taken = taken
        if text.out:
            stacked = self.target.stacked_rounds(text)
            value = Value(stacked, frozenset((text.result,)), found.outputs[""])
            flow.bind((step.id, ""), value)

    def captured(self, found: FormalStep) -> list[Key]:
        """The values from around that the body reads."""
        inner = list(all_formal(found.bodies[0]))
        own = {found.step.id, *(step.step.id for step in inner)}
        refs = [ref for step in inner for ref in (*written_inputs(step), *ends(step.step.action))]
        refs += ends(found.step.action)
        return list(dict.fromkeys(ref.key for ref in refs if ref.owner not in own))

    def enter_over(self, text: ScanText, action: Scan, first: Value | None) -> None:
        """The sequences, and the variables for what a round sees of them."""
        found = text.found
        for position, name in enumerate(action.over):
            ref, type = found.step.inputs[position], found.inputs[position]
            assert ref is not None
            assert type is not None
            value = first if first is not None and position == 0 else self.flow.store_ref(ref)
            variable = self.own_variable(f"{name}_t")
            text.over.append(self.in_layout(value, "spec").operand)
            text.axes.append(time_axis(type))
            text.parts.append(variable)
            part = Value(variable, frozenset((variable,)), part_of(type))
            self.flow.values[found.step.id, round_slot(name)] = part

    def enter_carries(self, text: ScanText, action: Scan, first: Value | None) -> None:
        """The carries' starts, and their variables."""
        found, flow = text.found, self.flow
        for position, name in enumerate(action.carry, len(action.over)):
            ref = found.step.inputs[position]
            assert ref is not None
            given = first if position == 0 else None
            layout = self.border((found.step.id, name), found.outputs[name])
            value = self.in_layout(given or flow.read(ref), layout)
            variable = self.own_variable(name) if given else self.carry_variable(name, value, ref)
            if given is None:
                flow.done(ref)
            text.starts.append(value.text)
            text.carries.append(variable)
            flow.values[found.step.id, round_slot(name)] = self.carry_value(found, name, variable)

    def enter_times(self, text: ScanText, times: Expr) -> None:
        """How often a scan runs where it has no sequence."""
        text.times = self.flow.index_text(times)

    def carry_variable(self, name: str, value: Value, ref: Ref) -> str:
        """A carry's variable: the one that it starts in, where that has its name and is free."""
        is_own = value.is_variable and value.text in (name, f"{name}_")
        if is_own and self.flow.remaining[ref.key] == 1:
            self.flow.taken = self.flow.taken | {value.text}
            return value.text
        return self.own_variable(name)

    def own_variable(self, wanted: str) -> str:
        """A variable that nothing else has, nor gets before the scan ends."""
        names = self.names.child()
        name = names.fresh(wanted)
        while not self.flow.is_free(name, (-1, "")) or name in self.flow.taken:
            name = names.fresh(wanted)
        self.flow.taken = self.flow.taken | {name}
        return name

    def write_round(self, text: ScanText, action: Scan) -> None:
        """One round: its lines, the carries' next values, and what it hands out."""
        flow, step = self.flow, text.found.step
        out = action.body.result
        is_read = flow.remaining.get((step.id, ""), 0) > 0
        handed_on = [ref.key for ref in action.next]
        if not is_read and out.key not in handed_on:
            flow.remaining[out.key] -= 1
        outer, flow.lines = flow.lines, []
        self.steps(text.found.bodies[0])
        self.hold(text.found.bodies[0], action.next[0] if action.next else out)
        layouts = [self.border((step.id, k), text.found.outputs[k]) for k in action.carry]
        place = handed_on.index(out.key) if is_read and out.key in handed_on else None
        text.hands_on = place is not None and layouts[place] == "spec"
        if place is not None and not text.hands_on:
            flow.store_ref(out)  # it is written twice
        for layout, ref in zip(layouts, action.next, strict=True):
            text.nexts.append(self.in_layout(flow.read(ref), layout).text)
        if is_read:
            text.result = self.own_variable(text.found.step.label or "outputs")
            text.out_axis = min(1, self.part_type(text.found).rank)
            held = text.carries[place] if place is not None and text.hands_on else ""
            text.out = held or self.in_layout(flow.read(out), "spec").text
        for ref in read_at_the_end(action):
            if is_read or ref is not out or out.key in handed_on:
                flow.done(ref)
        text.body, flow.lines = flow.lines, outer

    def part_type(self, found: FormalStep) -> TensorType:
        """The type of what a round hands out."""
        return part_of(found.outputs[""])

    def carry_value(self, found: FormalStep, name: str, variable: str) -> Value:
        """A carry after the last round."""
        type = found.outputs[name]
        layout = self.border((found.step.id, name), type)
        return Value(variable, frozenset((variable,)), type, layout=layout)


def read_at_the_end(action: Scan) -> list[Ref]:
    """What a round reads when its steps are done: each next carry, and what it hands out."""
    keys = [ref.key for ref in action.next]
    out = action.body.result
    return [*action.next, *([] if out.key in keys else [out])]
