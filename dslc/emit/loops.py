"""Repeats in a class's method: loops over layers that pass a value on and keep what is read later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flow import Value, written_inputs
from dslc.emit.python import For, Line
from dslc.emit.regions import RegionWriter
from dslc.ir.walk import followers
from dslc.syntax.expressions import to_python

if TYPE_CHECKING:
    from dslc.emit.formal import FormalStep
    from dslc.ir.graph import Ref
    from dslc.syntax.expressions import Expr


class LoopWriter(RegionWriter):
    """Writes loops; a subclass writes what one round does."""

    def begin(self) -> None:
        """Names the lists of what references choose among, and tells the flow how to index them."""
        self.loop_names: dict[str, str] = {}
        self.loop_reads: set[str] = set()
        self.flow.index_text = self.index_text
        for found in self.formal.steps:
            self.name_lists(found)

    def name_lists(self, found: FormalStep) -> None:
        """A list for each slot of a repeat that is kept."""
        step = found.step
        for slot in step.kept:
            called = None if slot or found.callee is None else found.callee.module.value
            wanted = (called or slot or step.label).rpartition(".")[2]
            type = found.rounds.get(slot)
            if type is None:
                continue
            name = self.names.fresh(plural(wanted))
            layout = self.border((step.id, f"{slot}[]"), type)
            value = Value(name, frozenset((name,)), type, layout=layout)
            self.flow.values[step.id, f"{slot}[]"] = value
        for inner in found.bodies:
            for nested in inner:
                self.name_lists(nested)

    def index_text(self, index: Expr) -> str:
        """An index where the module runs: params from the object, a loop's names as they are."""
        self.writer.require_math(index)
        return to_python(index, self.writer.call_name)

    def loop_variable_of(self, name: str) -> str:
        """The variable of a loop's name, which its header then gives."""
        self.loop_reads.add(name)
        return self.loop_names[name]

    def loop(self, found: FormalStep) -> None:
        """A repeat: a loop over its layers that passes the value on."""
        step = found.step
        key = (step.id, "")
        self.enter(found)
        values = [self.stored_operand(ref) for ref in step.inputs]
        values = self.laid_out(found, values)
        for ref in written_inputs(found):
            self.flow.done(ref)
        first = values[0]
        assert first is not None
        type = found.outputs[""]
        others = frozenset[str]().union(*(v.variables for v in values[1:] if v is not None))
        free = self.can_reuse(first) and first.text not in others
        variable = first.text if free else self.flow.variable(key, others)
        lists = {slot: self.flow.read_key((step.id, f"{slot}[]")) for slot in step.kept}
        self.flow.lines += [Line(f"{kept.text} = []") for kept in lists.values()]
        if variable != first.text:
            self.flow.lines.append(Line(f"{variable} = {first.text}"))
        value = Value(variable, frozenset((variable,)), type, layout=first.layout)
        outer, self.flow.lines = self.flow.lines, []
        follows = followers(step.action, step.inputs)
        made = self.round(
            found, [value if own else old for own, old in zip(follows, values, strict=True)]
        )
        for slot, kept in lists.items():
            item = self.in_layout(made[slot], kept.layout)
            self.flow.lines.append(Line(f"{kept.text}.append({item.text})"))
        body, self.flow.lines = self.flow.lines, outer
        target, iterable = self.loop_header(found)
        self.flow.lines.append(For(target, iterable, body))
        self.flow.values[key] = value
        for slot, last in made.items():
            if slot and last.text != "_":
                self.flow.values[step.id, slot] = last
        self.loop_names, self.loop_reads = {}, set()

    def enter(self, found: FormalStep) -> None:
        """Makes a repeat's names known where the module runs."""
        repeat = found.step.repeat
        assert repeat is not None
        names = (*repeat.names, *((repeat.index,) if repeat.index else ()))
        self.loop_names = {name: self.loop_name(name) for name in names}

    def loop_name(self, name: str) -> str:
        """A loop's variable near a name of the spec; none that a value or a size has."""
        found = self.names.child().fresh(name)
        while found in self.flow.taken or not self.flow.is_free(found):
            found += "_"
        return found

    def stored_operand(self, ref: Ref | None) -> Value | None:
        """An input of a loop, in a variable."""
        return None if ref is None else self.flow.store_ref(ref)

    def round(self, found: FormalStep, values: list[Value | None]) -> dict[str, Value]:
        """Writes one round; gives its outputs, each in a variable."""
        raise TypeError(f"no writer of rounds for {found.step.label} on {len(values)} values")

    def loop_header(self, found: FormalStep) -> tuple[str, str]:
        """What a loop runs over: its layers, or a count, with the names that its body reads."""
        repeat = found.step.repeat
        assert repeat is not None
        index = repeat.index if repeat.index in self.loop_reads else None
        layer = self.loop_variables.get(found.step.id)
        items = [self.loop_names[name] if name in self.loop_reads else "_" for name in repeat.names]
        over = ""
        if repeat.over is not None and (layer is None or set(items) - {"_"}):
            over = to_python(repeat.over, self.writer.call_name)
        if layer is None and repeat.over is None:
            assert repeat.times is not None
            count = to_python(repeat.times, self.writer.call_name)
            return (self.loop_names[index] if index else "_"), f"range({count})"
        target, iterable = layer or "_", self.writer.layers_of(found) if layer else over
        if set(items) - {"_"}:
            item = items[0] if len(items) == 1 else f"({', '.join(items)})"
            target = f"{item}, {layer}" if layer else item
            iterable = f"zip({over}, {iterable}, strict=True)" if layer else over
        if index is None:
            return target, iterable
        inner = f"({target})" if "," in target else target
        return f"{self.loop_names[index]}, {inner}", f"enumerate({iterable})"


def plural(word: str) -> str:
    """The name of a list of values."""
    if word.endswith("s"):
        return f"all_{word}"
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else f"{word}s"
