"""Regions written in place: unnamed groups, residual and parallel paths, and those under a `when`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import at_step
from dslc.emit.calls import gives_several
from dslc.emit.flow import NOTHING, Value, written_inputs
from dslc.emit.layouts import join_layout
from dslc.emit.python import Comment, If, Line
from dslc.emit.scans import ScanWriter
from dslc.ir.graph import REGION_INPUT, Group, Parallel, Residual, Scan
from dslc.syntax.expressions import free_names, to_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.flow import Key
    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement
    from dslc.ir.graph import Ref


class RegionWriter(ScanWriter):
    """Writes regions; a subclass writes the steps inside.

    Attributes:
        decided: The steps around whose text their condition stands already.
    """

    decided: set[int]

    def steps(self, steps: list[FormalStep]) -> None:
        """Steps in order."""
        for found in steps:
            with at_step(found.step.span):
                self.commented(found)

    def commented(self, found: FormalStep) -> None:
        """A step behind what the spec says about it, with statements of its own there."""
        doc, flow = found.step.doc, self.flow
        if not doc or found.absent:
            self.step(found)
            return
        for ref in written_inputs(found):
            flow.store_ref(ref)
        flow.lines.append(Comment(doc))
        self.step(found)
        pending = False
        for slot in found.outputs:
            key = (found.step.id, slot)
            if key in flow.values and flow.remaining.get(key, 0):
                pending = pending or key in flow.returned
                if key not in flow.returned:
                    flow.store(key)
        if isinstance(flow.lines[-1], Comment) and not pending:
            flow.lines.pop()  # the step is nothing here

    def step(self, found: FormalStep) -> None:
        """One step."""
        raise TypeError(f"no writer of steps for {found.step.label}")

    def alias(self, key: tuple[int, str], ref: Ref) -> None:
        """Lets a key stand for the value of a reference: in a variable where it is read often."""
        self.flow.values[key] = self.flow.read(ref)
        self.flow.done(ref)
        if ref.index is None and self.flow.remaining.get(key, 0) > 1:
            self.flow.store(key)

    def can_reuse(self, value: Value, key: Key = NOTHING) -> bool:
        """Whether a variable may be overwritten: nothing needs what it holds, but the key's value."""
        return value.is_variable and self.flow.is_free(value.text, key)

    def joined_in(self, identifier: int, entry: Value, busy: frozenset[str]) -> str:
        """The variable in which a step under a condition and its input meet.

        It is the input's own where nothing reads that later. Any other one gets the input's value
        before the condition, so that it may be none of those that were `busy` then: what stands
        under the condition reads them.
        """
        key = (identifier, "")
        return entry.text if self.can_reuse(entry, key) else self.flow.variable(key, busy)

    def condition(self, found: FormalStep) -> str:
        """A step's condition where the module runs: a stored truth value."""
        assert found.step.when is not None
        if self.moves(found):
            self.writer.require_math(found.step.when)
            return to_python(found.step.when, self.writer.call_name)
        wanted = f"has_{found.step.label or 'region'}"
        return f"self.{self.writer.store(self.writer.expression(found.step.when), wanted)}"

    def moves(self, found: FormalStep) -> bool:
        """Whether a condition changes from round to round of a loop with one set of weights."""
        when = found.step.when
        return when is not None and not free_names(when).isdisjoint(self.writer.parameters.of_runs)

    def is_block(self, found: FormalStep) -> bool:
        """Whether an op or a call under a condition is an `if` of its own, not a choice in a line."""
        return gives_several(found) or self.moves(found)

    def region(self, found: FormalStep) -> None:
        """An unnamed group, residual or parallel region, written in place."""
        step = found.step
        action = step.action
        if isinstance(action, Scan):
            self.scan(found)
            return
        start = step.inputs[0]
        assert start is not None
        key = (step.id, REGION_INPUT)
        if self.flow.remaining.get(key, 0) > 1:
            self.flow.store_ref(start)
        self.alias(key, start)
        for inner in found.bodies:
            self.steps(inner)
        if isinstance(action, Group):
            self.alias((step.id, ""), action.body.result)
        elif isinstance(action, Residual):
            self.join(found, [action.main.result, action.shortcut.result], "add")
        else:
            assert isinstance(action, Parallel)
            self.join(found, [body.result for _, body in action.branches], action.join)
        for slot, ref in step.exports:
            self.alias((step.id, slot), ref)

    def join(self, found: FormalStep, results: list[Ref], way: str) -> None:
        """Joins paths."""
        if way == "none":  # the first is the step's value and an output of its own
            self.flow.store((results[0].owner, results[0].slot))
        values = [self.flow.read(ref) for ref in results]
        layout = join_layout(found.step.action, values, way)
        if way != "none":
            values = [self.in_layout(value, layout) for value in values]
        if isinstance(found.step.action, Residual) and values[1].is_variable:
            values.reverse()
        texts = [value.operand for value in values]
        text = self.target.joined(way, texts, found, self.writer, layout)
        used = frozenset[str]().union(*(value.variables for value in values))
        heavy = sum(value.heavy for value in values)
        for ref in results:
            self.flow.done(ref)
        layouts = [value.layout for value in (values[0], *values)]
        exports = {slot for slot, _ in found.step.exports}
        joined = [(slot, type) for slot, type in found.outputs.items() if slot not in exports]
        for (slot, type), own in zip(joined, layouts, strict=False):
            part = text if isinstance(text, str) else text[slot]
            value = Value(part, used, type, heavy=heavy, layout=own if way == "none" else layout)
            self.flow.bind((found.step.id, slot), value)

    def under_condition(self, found: FormalStep, write: Callable[[FormalStep], None]) -> None:
        """A step under a `when`: an `if` here and in the constructor around what `write` does."""
        step, flow, key = found.step, self.flow, (found.step.id, "")
        start = step.inputs[0]
        assert start is not None
        assert step.when is not None
        entry = flow.store_ref(start)
        condition = self.condition(found)
        busy = flow.busy()
        outer, flow.lines = flow.lines, []
        self.decided.add(step.id)
        if self.moves(found):
            write(found)
        else:
            with self.writer.conditional(self.writer.expression(step.when)):
                write(found)
        self.decided.discard(step.id)
        body, flow.lines = flow.lines, outer
        if key in flow.values:  # something reads it
            value, entry = self.met(flow.read_key(key), entry)
            variable = self.joined_in(step.id, entry, busy)
            body = assigned(body, value.text, variable)
            if variable != entry.text:
                flow.lines.append(Line(f"{variable} = {entry.text}"))
            stored = Value(variable, frozenset((variable,)), value.type, layout=value.layout)
            flow.values[key] = stored
        flow.lines.append(If(condition, body))


def assigned(lines: list[Statement], value: str, variable: str) -> list[Statement]:
    """Statements, and a variable that holds a value behind them: what they unpack goes there at once."""
    if value == variable:
        return lines
    last = lines[-1] if lines else None
    targets, _, rest = last.code.partition(" = ") if isinstance(last, Line) else ("", "", "")
    names = targets.split(", ")
    if (
        isinstance(last, Line)
        and names.count(value) == 1
        and variable not in names
        and len(names) > 1
    ):
        named = ", ".join(variable if name == value else name for name in names)
        return [*lines[:-1], Line(f"{named} = {rest}", last.comment)]
    return [*lines, Line(f"{variable} = {value}")]
