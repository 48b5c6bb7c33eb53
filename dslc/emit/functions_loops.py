"""Repeats in a function: loops whose rounds pass a value on, and layers that all rounds share."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, final

from dslc.emit.drafts import loop_header
from dslc.emit.flow import STREAM, Value, written_inputs
from dslc.emit.functions_names import texts_of
from dslc.emit.functions_runtime import size_reads
from dslc.emit.loops import plural
from dslc.emit.loops_alone import refuse_absent
from dslc.emit.python import For, Line
from dslc.emit.rounds import items_of_runs, parts, rounds_made
from dslc.emit.unread import has_weights
from dslc.ir.graph import EVERY, ApplyOp, CallModule
from dslc.ir.walk import all_steps, ends, regions
from dslc.syntax.expressions import ListOf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.emit.flow import Key
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions_body import FunctionBody
    from dslc.emit.python import Statement
    from dslc.ir.graph import Ref, Repeat
    from dslc.syntax.expressions import Expr

INDEXES = ("i", "j", "k", "m", "n")


@final
class LoopWriter:
    """Writes the loops of one function.

    `carried` holds, for every step whose round is being written, the value that it starts from.
    """

    def __init__(self, body: FunctionBody) -> None:
        self.body = body
        self.carried: dict[int, Value] = {}
        self.rest: dict[int, str] = {}
        self.taken: list[set[str]] = []
        self.before: list[list[Statement]] = []
        self.indices: list[str] = []

    def write(self, found: FormalStep) -> None:
        """A step's text in a loop that passes the value on."""
        step, flow, body = found.step, self.body.flow, self.body
        if not step.inputs:
            refuse_absent(found)
        body.settle()
        further = [*outer_reads(found), *self.sizes_read(found)]
        for key in further:
            flow.remaining[key] = flow.remaining.get(key, 0) + 1
        value = self.entry(found, step.inputs[0]) if step.inputs else None
        lists = [self.list_of(found, slot).text for slot in step.kept]
        rest = self.list_to_hold(found)
        lists += [rest] if rest and rest not in lists else []
        self.before.append([Line(f"{name} = []") for name in lists])
        target, iterable, lines = self.rounds(found, value)
        is_once = value is None and not lists and target == "_"  # each round would give the same
        flow.lines += self.before.pop()
        flow.lines += lines if is_once else [For(target, iterable, lines)]
        for key in further:
            flow.remaining[key] -= 1
        if value is not None:
            flow.values[step.id, ""] = value
        elif rest:
            text = flow.read_key((step.id, "")).text
            keep = body.writer.module.helper("Keep")
            flow.lines.append(Line(f"{text} = {keep}()([{text}, *{rest}])"))

    def sizes_read(self, found: FormalStep) -> list[Key]:
        """The inputs in which the steps of a loop find sizes."""
        around = self.enter_sizes(found)
        keys = size_reads(self.body.function, found)
        for inner in (step for steps in found.bodies for step in steps):
            keys += self.sizes_read(inner)
        self.body.function.items = around
        return keys

    def entry(self, found: FormalStep, start: Ref | None) -> Value:
        """The variable that a loop passes on, with the value that it starts from in it."""
        step, flow, body = found.step, self.body.flow, self.body
        assert start is not None
        given = self.laid_out(found, flow.read(start))
        flow.done(start)
        variable = given.text if body.can_reuse(given) else flow.variable((step.id, ""))
        if variable != given.text:
            flow.lines.append(Line(f"{variable} = {given.text}"))
        return Value(variable, frozenset((variable,)), found.outputs[""], layout=given.layout)

    def laid_out(self, found: FormalStep, value: Value) -> Value:
        """The first input of a step in the layout in which its rounds hand it on."""
        if found.op is not None:
            (laid,) = self.body.laid_out(found, [value])
            assert laid is not None
            return laid
        layout = self.body.border((found.step.id, ""), found.outputs[""])
        return self.body.in_layout(value, layout)

    def rounds(self, found: FormalStep, value: Value | None) -> tuple[str, str, list[Statement]]:
        """A loop's target, iterable and body, which leaves the round's result in the value.

        Without a value to start from, the result is in a variable of its own.
        """
        step, flow, body = found.step, self.body.flow, self.body
        repeat = step.repeat
        assert repeat is not None
        index, around = self.enter(repeat), self.indices
        items_around = self.enter_sizes(found, index)
        outer_path, outer, flow.lines = body.path, flow.lines, []
        body.path = body.path.word(step.label)
        if not repeat.share:
            self.indices = [*around, index]
            body.path = body.path.expression(index)
        inner = [(step.id, slot) for slot in step.kept if slot]
        for key in inner:
            flow.remaining[key] = flow.remaining.get(key, 0) + 1
        if value is None:
            result = value = self.alone(found)
        else:
            result = body.in_layout(self.round(found, value), value.layout)
        if body.is_optional(found):  # a round without the step gives nothing
            gaps = [flow.read_key(key).text for key in inner]
            flow.lines[:0] = [Line(f"{name} = None") for name in gaps if name.isidentifier()]
        for key in inner:
            self.keep(found, key[1], flow.read_key(key))
            flow.remaining[key] -= 1
        if step.inputs and not repeat.share and body.function.functions.unread.restarts(found):
            result = self.held(result, value)
        if result.text != value.text:
            flow.lines.append(Line(f"{value.text} = {result.text}"))
        if "" in step.kept:
            self.keep(found, "", value)
        lines, flow.lines, body.path = flow.lines, outer, outer_path
        text = " ".join(text for line in lines for text in texts_of(line))
        words = frozenset(re.findall(r"[A-Za-z_]\w*", text))
        names = [body.writer.loop_names[name] for name in repeat.names]
        self.leave(repeat)
        body.function.items = items_around
        self.indices = around
        known, rounds, times = rounds_made(found)
        names = [name for name, item in zip(names, repeat.names, strict=True) if item in known]
        header = loop_header(index, names, body.writer.expression(rounds), words, times=times)
        return *header, lines

    def held(self, result: Value, value: Value) -> Value:
        """What a round gives that reads nothing of the one before, which it has to hold."""
        before, lines = self.body.fresh_variable("before"), self.body.flow.lines
        lines.insert(0, Line(f"{before} = {value.text}"))
        text = f"{self.body.writer.module.helper('Keep')}()([{result.text}, {before}])"
        lines.append(Line(f"{value.text} = {text}"))
        return value

    def keep(self, found: FormalStep, slot: str, value: Value) -> None:
        """Puts what a round gives into the list of its slot."""
        kept = self.list_of(found, slot)
        item = self.body.in_layout(value, kept.layout)
        self.body.flow.lines.append(Line(f"{kept.text}.append({item.text})"))

    def list_of(self, found: FormalStep, slot: str) -> Value:
        """The list of the values of a slot that a loop keeps."""
        return self.body.flow.read_key((found.step.id, f"{slot}[]"))

    def round(self, found: FormalStep, value: Value) -> Value:
        """What one round makes of a value."""
        step, flow, body = found.step, self.body.flow, self.body
        start, key = step.inputs[0], (step.id, "")
        assert start is not None
        self.carried[step.id] = value
        kept = flow.remaining.get(key, 0)
        flow.remaining[key] = 1
        if isinstance(step.action, ApplyOp | CallModule):
            flow.remaining[start.key] += 1
        body.once(found)
        del self.carried[step.id]
        flow.remaining[key] = kept
        return flow.read_key(key)

    def alone(self, found: FormalStep) -> Value:
        """What one round makes of nothing, in a variable."""
        flow, key = self.body.flow, (found.step.id, "")
        kept, outputs = flow.remaining.get(key, 0), found.outputs
        flow.remaining[key], found.outputs = kept + 1, found.rounds
        self.body.once(found)
        value = flow.store(key)
        flow.remaining[key], found.outputs = kept, outputs
        rest = self.rest.get(found.step.id)
        if rest and "" not in found.step.kept:
            flow.lines.append(Line(f"{rest}.append({value.text})"))
        return value

    def list_to_hold(self, found: FormalStep) -> str:
        """The list of what rounds give that take no input, if some of it may be read by nothing.

        What the loop gives holds all of them, as it does where each round reads the one before.
        """
        step, formal = found.step, self.body.formal
        refs = [ref for other in all_steps(formal.module.body) for ref in other.inputs if ref]
        is_read = any(ref.owner == step.id and ref.index == EVERY for ref in refs)
        shares = step.repeat is not None and step.repeat.share
        if step.inputs or shares or is_read or not has_weights(found):
            return ""
        is_kept = "" in step.kept
        name = (
            self.list_of(found, "").text if is_kept else self.body.names.fresh(plural(step.label))
        )
        self.rest[step.id] = name
        return name

    def shared_call(self, found: FormalStep, given: list[str]) -> str | None:
        """The call of layers that several rounds or steps run; None where no layer is shared."""
        function = self.body.function
        if not function.has_layers(found):
            return None
        numbers = function.changing(found)
        if found.reused is not None:
            layer = function.again(found)
        elif found.step.id in function.kept_layers():
            made = function.rounds_of(found) if numbers else None
            made = made or function.call_of(found, given, shared=True)
            layer = function.keep(found, made)
        else:
            return None
        if numbers:
            return f"{layer}({function.arguments_of(found, given)})"
        return f"{layer}({given[0]})" if len(given) == 1 else f"{layer}([{', '.join(given)}])"

    def enter(self, repeat: Repeat) -> str:
        """Makes a repeat's names known; gives its index, one of our own where the spec has none."""
        names = [*repeat.names, *((repeat.index,) if repeat.index else ())]
        for name in names:
            self.body.writer.loop_names[name] = self.fresh(name)
        if repeat.index:
            index = self.body.writer.loop_names[repeat.index]
        else:
            index = next(name for name in self.indexes_wanted() if self.is_free(name))
            names.append(index)
        self.taken.append(self.body.flow.taken)
        own = {self.body.writer.loop_names.get(name, name) for name in names}
        self.body.flow.taken = self.body.flow.taken | own
        return index

    def leave(self, repeat: Repeat) -> None:
        """Forgets a repeat's names."""
        self.body.flow.taken = self.taken.pop()
        for name in (*repeat.names, *((repeat.index,) if repeat.index else ())):
            del self.body.writer.loop_names[name]

    def enter_sizes(self, found: FormalStep, index: str = "") -> dict[str, tuple[Expr, str]]:
        """Makes known which items hold sizes of a run, whose place a layer is given that reads one.

        Gives what was known around the loop.
        """
        function, repeat = self.body.function, found.step.repeat
        around = function.items
        for name in items_of_runs(found):
            if repeat is not None and isinstance(repeat.over, ListOf):
                items = parts(repeat.over, repeat.names, (name,))
                function.items = {**function.items, name: (items, index)}
        return around

    def indexes_wanted(self) -> Iterator[str]:
        """Names for an index, the usual ones first."""
        yield from INDEXES
        yield from (f"index{number}" for number in count(2))

    def fresh(self, name: str) -> str:
        """A loop's variable near a name of the spec."""
        found = self.body.names.child().fresh(name)
        return found if self.is_free(found) else f"{found}_"

    def is_free(self, name: str) -> bool:
        """Whether a name is none of a variable's, a parameter's or another loop's."""
        flow = self.body.flow
        usual = name not in STREAM[:3] and flow.is_free(name)
        return usual and name not in flow.taken and self.body.names.is_free(name)


def outer_reads(found: FormalStep) -> list[Key]:
    """The values from before a loop that every round reads anew."""
    step = found.step
    if isinstance(step.action, ApplyOp | CallModule):
        refs = [ref for ref in written_inputs(found) if ref != step.inputs[0]]
        return [ref.key for ref in refs]
    inner = [s for body in regions(step.action) for s in all_steps(body)]
    own = {step.id, *(s.id for s in inner)}
    refs = [*step.inputs[1:], *(ref for s in inner for ref in (*s.inputs, *ends(s.action)))]
    refs = [ref for ref in (*refs, *ends(step.action)) if ref is not None and ref.owner not in own]
    return list(dict.fromkeys(ref.key for ref in refs))
