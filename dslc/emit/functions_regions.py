"""Regions in a function: groups and paths in place, conditions as such, scans as functions of a round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.bodies import BodyWriter
from dslc.emit.flow import Value
from dslc.emit.functions_names import call_depth
from dslc.emit.functions_runtime import Rounds, RuntimeLayer, unknown_names
from dslc.emit.python import If, Line
from dslc.ir.graph import REGION_INPUT, Group, Parallel, Residual, Scan, round_slot
from dslc.ir.walk import regions
from dslc.passes.weights import branch_labels
from dslc.syntax.expressions import to_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.flow import Key
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions import FunctionWriter
    from dslc.emit.functions_loops import LoopWriter
    from dslc.emit.functions_names import PathText
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText
    from dslc.ir.graph import Ref
    from dslc.syntax.expressions import Expr


class FunctionRegions(BodyWriter):
    """Writes the regions of one function; a subclass writes the other steps."""

    function: FunctionWriter
    loops: LoopWriter
    path: PathText
    anchors: list[Value]
    scan_before: list[tuple[list[Statement], int]]
    rounds: str

    def label_of(self, found: FormalStep) -> str:
        """What a step adds to the path."""
        raise TypeError(f"no writer of paths for {found.step.label}")

    def always(self, found: FormalStep) -> None:
        """One run of a step that is there."""
        raise TypeError(f"no writer of steps for {found.step.label}")

    def held(self, steps: list[FormalStep]) -> list[Key]:
        """The values of steps that must be held, since nothing reads them and they need weights."""
        found = self.function.functions.unread.held[self.formal.module.name]
        own = {step.step.id for step in steps}
        return sorted(key for key in found if key[0] in own)

    def hold(self, steps: list[FormalStep], result: Ref) -> None:
        """Lets the value of a body hold what nothing reads."""
        flow = self.flow
        keys = self.held(steps)
        if not keys:
            return
        value, kept = flow.read(result), [flow.read_key(key) for key in keys]
        stars = ("*" if slot.endswith("[]") else "" for _, slot in keys)
        texts = [value.text, *(f"{star}{v.text}" for star, v in zip(stars, kept, strict=True))]
        for key in keys:
            flow.remaining[key] -= 1
        text = f"{self.writer.module.helper('Keep')}()([{', '.join(texts)}])"
        names = value.variables.union(*(v.variables for v in kept))
        flow.values[result.key] = Value(text, names, value.type, heavy=1, layout=value.layout)
        if flow.remaining.get(result.key, 0) > 1:
            flow.store(result.key)

    def region(self, found: FormalStep) -> None:
        """A group, residual or parallel region in place, its layers below its label."""
        step, flow = found.step, self.flow
        action = step.action
        if isinstance(action, Scan):
            self.scan(found, self.loops.carried.get(step.id))
            return
        self.enter_region(found)
        outer, self.path = self.path, self.path.word(self.label_of(found))
        results = [body.result for body in regions(action)]
        for branch, inner, result in zip(branch_labels(step), found.bodies, results, strict=True):
            inside, self.path = self.path, self.path.word(branch)
            self.steps(inner)
            self.hold(inner, result)
            self.path = inside
            value = flow.read(result)
            if len(results) > 1 and (value.heavy or call_depth(value.text) > 1):
                flow.store((result.owner, result.slot))
        self.path = outer
        if isinstance(action, Group):
            self.alias((step.id, ""), action.body.result)
        else:
            assert isinstance(action, Residual | Parallel)
            self.join(found, results, "add" if isinstance(action, Residual) else action.join)
        for slot, ref in step.exports:
            self.alias((step.id, slot), ref)

    def scan(self, found: FormalStep, first: Value | None = None) -> None:
        """A scan: a function of one round, which a layer of its own runs over time."""
        self.settle()
        outer, self.path = self.path, self.path.word(self.label_of(found))
        lines, start = self.flow.lines, len(self.flow.lines)
        before: list[Statement] = []
        self.scan_before.append((before, len(self.loops.before)))
        self.rounds = self.rounds_of(found, first)
        super().scan(found, first)
        self.scan_before.pop()
        lines[start:start] = before
        self.path = outer

    def rounds_of(self, found: FormalStep, first: Value | None) -> str:
        """The numbers of a scan's rounds, as a tensor, where only a run knows how many there are."""
        action = found.step.action
        assert isinstance(action, Scan)
        times = action.times
        if times is None or not unknown_names(self.function, found):
            return ""
        given = [None if ref is None else self.flow.read(ref) for ref in found.step.inputs]
        values = given if first is None else [first, *given[1:]]

        def code(_: str, rename: Callable[[str], str]) -> str:
            return f"ops.arange({to_python(times, rename)})"

        return RuntimeLayer(Rounds(self.function, found, values)).call(
            code, "A number for each round."
        )

    def enter_times(self, text: ScanText, times: Expr) -> None:
        if not self.rounds:
            super().enter_times(text, times)
            return
        text.over.append(self.rounds)
        text.axes.append(0)
        text.parts.append(self.own_variable("number"))

    def captured(self, found: FormalStep) -> list[Key]:
        """The values from around that the body reads, those that it takes sizes from among them."""
        inner = [key for step in found.bodies[0] for key in self.loops.sizes_read(step)]
        return list(dict.fromkeys((*super().captured(found), *inner)))

    def enter_carries(self, text: ScanText, action: Scan, first: Value | None) -> None:
        super().enter_carries(text, action, first)
        self.anchors.append(
            self.flow.values[text.found.step.id, round_slot((*action.over, *action.carry)[0])]
        )

    def write_round(self, text: ScanText, action: Scan) -> None:
        super().write_round(text, action)
        self.anchors.pop()

    def enter_region(self, found: FormalStep) -> None:
        """Gives a region its input."""
        step, flow = found.step, self.flow
        key = (step.id, REGION_INPUT)
        carried = self.loops.carried.get(step.id)
        if carried is not None:
            flow.values[key] = carried
            return
        start = step.inputs[0]
        assert start is not None
        if flow.remaining.get(key, 0) > 1:
            flow.store_ref(start)
        self.alias(key, start)

    def settle(self) -> None:
        """Puts every value that something still reads into a variable, before the text branches."""
        for key, value in list(self.flow.values.items()):
            if self.flow.remaining.get(key, 0) > 0 and not value.is_variable:
                self.flow.store(key)

    def conditional(self, found: FormalStep) -> None:
        """A step under a `when`: an `if` around what it does."""
        step, flow = found.step, self.flow
        start = step.inputs[0]
        assert start is not None
        assert step.when is not None
        self.settle()
        entry = self.loops.carried.get(step.id) or flow.read(start)
        condition = self.writer.expression(step.when)
        busy = flow.busy() | entry.variables
        key = (step.id, "")
        outer, flow.lines = flow.lines, []
        reads = flow.remaining.get(key, 0)
        flow.remaining[key] = min(reads, 1)  # what reads it more often reads the joined variable
        self.always(found)
        flow.remaining[key] = reads
        value, entry = self.met(flow.read_key(key), entry)
        flow.values[key] = value
        variable = self.joined_in(step.id, entry, busy)
        if value.text != variable:
            flow.lines.append(Line(f"{variable} = {value.text}"))
        body, flow.lines = flow.lines, outer
        if variable != entry.text:
            flow.lines.append(Line(f"{variable} = {entry.text}"))
        flow.lines.append(If(condition, body))
        names = frozenset((variable,))
        flow.values[key] = Value(variable, names, value.type, layout=value.layout)
