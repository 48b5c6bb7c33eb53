"""The method that runs a module: its steps in order, as a person would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.calls import call_outputs, value_name, variables_in
from dslc.emit.context import OpContext
from dslc.emit.flow import Value, written_inputs
from dslc.emit.layouts import layout_after
from dslc.emit.loops import LoopWriter
from dslc.emit.loops_alone import write_alone
from dslc.emit.parameters import lower
from dslc.emit.python import If, Line
from dslc.emit.regions import assigned
from dslc.emit.scans import read_at_the_end
from dslc.ir.graph import MODULE, ApplyOp, CallModule, Scan
from dslc.ir.walk import ends
from dslc.syntax.expressions import free_names

if TYPE_CHECKING:
    from dslc.emit.formal import FormalStep
    from dslc.ir.graph import Ref


SHORT = 24
"""The length below which an expression stays where it is read."""


class BodyWriter(LoopWriter):
    """Writes the steps of one class's method into its flow."""

    def run(self) -> None:
        """Writes the whole body and its return."""
        flow = self.flow
        self.begin()
        self.count(self.formal.steps)
        outputs = self.outputs()
        flow.count([], [ref for _, ref in outputs])
        if len(outputs) == 1:
            flow.returned = {outputs[0][1].key}
        sizes = [dim for type in self.formal.inputs.values() for dim in type.shape]
        flow.taken = {lower(str(size)) for size in (*sizes, *self.writer.parameters.of_runs)}
        self.bind_inputs()
        self.entries = {name: flow.values[MODULE, name] for name in self.inputs}
        self.entry = len(flow.lines)
        self.name_values(self.formal.steps)
        self.steps(self.formal.steps)
        self.hold(self.formal.steps, outputs[0][1])
        self.give_back(outputs)

    def count(self, steps: list[FormalStep]) -> None:
        """Counts the reads of every value, regions included."""
        self.flow.count(steps, ())
        for found in steps:
            for inner in found.bodies:
                self.count(inner)
            if found.bodies:
                action = found.step.action
                self.flow.count(
                    [], read_at_the_end(action) if isinstance(action, Scan) else ends(action)
                )
            self.flow.count([], [ref for _, ref in found.step.exports])

    def name_values(self, steps: list[FormalStep]) -> None:
        """Reserves the names of values that the spec refers to by name."""
        for found in steps:
            step = found.step
            is_loop = step.repeat is not None and not step.repeat.share
            if step.name is not None and self.names.is_free(step.name) and not is_loop:
                self.flow.names[step.id, ""] = step.name
            for inner in found.bodies:
                self.name_values(inner)
        self.flow.taken |= set(self.inputs.values()) - {"x"}

    def step(self, found: FormalStep) -> None:
        """One step."""
        step = found.step
        if found.absent:
            if step.inputs and step.inputs[0] is not None:
                self.alias((step.id, ""), step.inputs[0])
            return
        if isinstance(step.action, ApplyOp | CallModule):
            self.writer.enter_loop(found)
            if step.repeat is not None:
                self.loop(found) if step.inputs else write_alone(self, found)
            elif self.is_optional(found) and self.is_block(found):
                self.under_condition(found, self.always)
            else:
                self.always(found)
            self.writer.leave_loop(found)
        elif self.is_optional(found):
            self.under_condition(found, self.region)
        else:
            self.region(found)

    def always(self, found: FormalStep) -> None:
        """One run of an op or a call."""
        if isinstance(found.step.action, ApplyOp):
            self.op(found)
        else:
            self.call(found)

    def is_optional(self, found: FormalStep) -> bool:
        """Whether a `when` depends on anything but constants, so that it stays an `if`."""
        when = found.step.when
        return when is not None and bool(free_names(when)) and found.step.id not in self.decided

    def operands(self, found: FormalStep, *, heavy: bool) -> list[Value | None]:
        """The values of a step's inputs, laid out as its op wants them."""
        values: list[Value | None] = []
        twice = self.is_optional(found) and self.target.reads_twice
        for ref in found.step.inputs:
            if ref is None:
                values.append(None)
                continue
            if (heavy and self.flow.read(ref).heavy) or (twice and not values):
                self.flow.store_ref(ref)
            values.append(self.flow.read(ref))
        return self.laid_out(found, values)

    def op(self, found: FormalStep) -> None:
        """An op: its rule's expression becomes the step's value."""
        heavy = self.is_heavy(found)
        values = self.operands(found, heavy=heavy)
        texts = self.apply(found, values)
        for ref in written_inputs(found):
            texts = self.shortened(found, ref, texts)
        values = self.operands(found, heavy=False)
        self.finish(found, values, texts, heavy=heavy)

    def shortened(
        self, found: FormalStep, ref: Ref, texts: dict[str, tuple[str, str]]
    ) -> dict[str, tuple[str, str]]:
        """An input goes into a variable where it is named twice, or an expression would not fit."""
        value = self.flow.read(ref)
        long = [s for s, (t, _) in texts.items() if not self.flow.fits((found.step.id, s), t)]
        if value.is_variable or ref.index is not None:
            return texts
        text, _ = texts.get("", ("", ""))
        is_split = self.is_optional(found) and text.count(value.text) > 1  # as it is, or changed
        if not is_split:
            is_long = len(value.text) >= SHORT and len(long) == 1
            if not is_long or texts[long[0]][0].count(value.text) != 1:
                return texts
        whole, variable = value.text, self.flow.store_ref(ref).text
        return {s: (t.replace(whole, variable), layout) for s, (t, layout) in texts.items()}

    def is_heavy(self, found: FormalStep) -> bool:
        """Whether a step does the work: a call, or an op with a matrix of weights."""
        if found.op is None:
            return True
        types = [type for type in found.inputs if type is not None]
        return any(len(weight.shape) > 1 for weight in found.op.weights(*types))

    def context(self, found: FormalStep, values: list[Value | None]) -> OpContext:
        """What the rule of an op sees."""
        return OpContext(self.writer, found, values)

    def apply(self, found: FormalStep, values: list[Value | None]) -> dict[str, tuple[str, str]]:
        """What the rule of an op says: expression and layout by output."""
        assert found.op is not None
        context = self.context(found, values)
        self.target.prepare(context)
        start = len(self.flow.lines)
        result = self.target.rules.find(type(found.op))(context)
        layout = context.layout or layout_after(found, [v for v in values if v is not None])
        given = {"": result} if isinstance(result, str) else result
        texts = {slot: (context.with_others(text), layout) for slot, text in given.items()}
        for k, line in enumerate(self.flow.lines[start:], start):
            if isinstance(line, Line):
                self.flow.lines[k] = Line(context.with_others(line.code), line.comment)
        if context.untied and not context.gives:
            name, weight = found.op.name, min(context.untied)
            message = f"`{name}` cannot take its weight `{weight}` from another layer"
            raise BuildError(f"{message} in the {self.target.name} backend, as it is written here")
        if self.is_optional(found) and found.step.repeat is None:
            texts[""] = self.optional(found, values, *texts[""])
        return texts

    def optional(
        self, found: FormalStep, values: list[Value | None], text: str, layout: str
    ) -> tuple[str, str]:
        """The value of an op under a `when`, its own or its first input's, and its layout."""
        first = values[0]
        assert first is not None
        made = Value(text, frozenset(), found.outputs[""], layout=layout)
        made, first = self.met(made, first)
        return self.chosen(found, first, made.text), made.layout

    def chosen(self, found: FormalStep, first: Value, text: str) -> str:
        """What an op makes where it is there, else its first input."""
        own = f"self.{found.step.label}"
        made = f"{own} = "
        if any(isinstance(draft, str) and draft.startswith(made) for draft in self.writer.drafts):
            if text == f"{own}({first.text})" or text == f"{own}({first.operand})":
                return self.target.call_optional(own, first.text, first.text)
            self.writer.none_if_absent(found)
            return f"{text} if {own} is not None else {first.text}"
        return f"{text} if {self.condition(found)} else {first.text}"

    def call(self, found: FormalStep) -> None:
        """A call of another class."""
        values = self.operands(found, heavy=True)
        assert found.callee is not None
        if found.callee.module.is_model:
            self.call_model(found, values)
            return
        layer = self.writer.layer(found, self.writer.constructor_of(found))
        given = [value for value in values if value is not None]
        args = ", ".join([*(value.text for value in given), *self.others_for(found)])
        text = f"{layer}({args})"
        outputs = call_outputs(found)
        layouts = self.layouts_from(found)
        if len(outputs) == 1:
            layout = layouts[outputs[0]]
            if self.is_optional(found):
                text, layout = self.optional_call(found, given[0], (layer, args), layout)
            self.finish(found, values, {"": (text, layout)}, heavy=True)
            return
        names = self.output_names(found, outputs)
        self.flow.lines.append(Line(f"{', '.join(names.values())} = {text}"))
        texts = {slot: (name, layouts[slot]) for slot, name in names.items() if name != "_"}
        self.finish(found, values, texts, heavy=False)

    def optional_call(
        self, found: FormalStep, first: Value, call: tuple[str, str], layout: str
    ) -> tuple[str, str]:
        """The call of a layer with its arguments, or its first input; and its layout."""
        layer, args = call
        made = Value(f"{layer}({args})", frozenset(), found.outputs[""], layout=layout)
        turned, entry = self.met(made, first)
        if turned is made:
            return self.target.call_optional(layer, args, entry.text), layout
        return f"{turned.text} if {layer} is not None else {entry.text}", turned.layout

    def layouts_from(self, found: FormalStep) -> dict[str, str]:
        """The layouts in which what a step calls gives its outputs."""
        assert found.callee is not None
        return {slot: self.borders.output(found.callee, slot) for slot in call_outputs(found)}

    def call_model(self, found: FormalStep, values: list[Value | None]) -> None:
        """A call of a model."""
        given = [value.text for value in values if value is not None]
        text = self.writer.model_call(found, given)
        if self.is_optional(found):
            text = f"{text} if {self.condition(found)} else {given[0]}"
        self.bind_model(found, values, text, found.step.name or "outputs")

    def others_for(self, found: FormalStep) -> list[str]:
        """The sizes, layers and models at hand that what a step calls needs."""
        assert found.callee is not None
        name = found.callee.module.name
        needed = self.writer.module.needs.get(name, ())
        models = [self.models[model] for model in needed]
        return [*self.sizes_for(found), *self.writer.loans_for(name), *models]

    def bind_model(
        self, found: FormalStep, values: list[Value | None], text: str, wanted: str
    ) -> None:
        """Binds the outputs of a model's call; several come by name, in a variable."""
        slots = call_outputs(found)
        layouts = self.layouts_from(found)
        first, key = (found.step.id, ""), (found.step.id, slots[0])
        remaining = self.flow.remaining
        reads = remaining.get(first, 0)
        remaining[key] = remaining.get(key, 0) + reads
        if len(slots) > 1:
            free = self.names.is_free(wanted) and self.flow.is_free(wanted)
            if remaining[key] > 1 and wanted == found.step.name:
                free = False  # the first output takes the name of the step
            variable = self.fresh_variable(wanted if free else f"{wanted}_outputs")
            self.flow.lines.append(Line(f"{variable} = {text}"))
            texts = {s: (f'{variable}["{s}"]', layouts[s]) for s in slots}
        else:
            texts = {slots[0]: (text, layouts[slots[0]])}
        if first in self.flow.names:
            self.flow.names.setdefault(key, self.flow.names[first])
        self.finish(found, values, texts, heavy=len(slots) == 1)
        remaining[key] -= reads
        self.flow.values[first] = self.flow.values[key]

    def finish(
        self,
        found: FormalStep,
        values: list[Value | None],
        texts: dict[str, tuple[str, str]],
        *,
        heavy: bool,
    ) -> None:
        """Marks the inputs as read and binds the outputs."""
        used = frozenset[str]().union(*(v.variables for v in values if v is not None))
        count = sum(value.heavy for value in values if value is not None) + heavy
        for ref in written_inputs(found):
            self.flow.done(ref)
        made: dict[str, Value] = {}
        for slot, (text, layout) in texts.items():
            plain = text.isidentifier()
            names = frozenset((text,)) if plain else used | variables_in(text)
            made[slot] = Value(
                text, names, found.outputs[slot], heavy=0 if plain else count, layout=layout
            )
        self.flow.bind_outputs(found.step.id, made)

    def loop_variable(self, found: FormalStep) -> str:
        """The variable that runs over the layers of a repeat."""
        if found.step.id not in self.loop_variables:
            self.loop_variables[found.step.id] = self.names.fresh(found.step.label)
        return self.loop_variables[found.step.id]

    def round(self, found: FormalStep, values: list[Value | None]) -> dict[str, Value]:
        """Writes one round, under its condition; gives its outputs, each in a variable."""
        start = values[0]
        assert start is not None
        if not self.is_optional(found):
            return self.whole_round(found, values, start)
        outer, self.flow.lines = self.flow.lines, []
        made = self.whole_round(found, values, start)
        lines, self.flow.lines = self.flow.lines, outer
        layer = self.loop_variables.get(found.step.id)
        only = lines[0] if len(lines) == 1 else None
        call = only.code if isinstance(only, Line) else ""
        if layer and call == f"{start.text} = {layer}({start.text})":
            chosen = self.target.call_optional(layer, start.text, start.text)
            self.flow.lines.append(Line(f"{start.text} = {chosen}"))
            return made
        assert found.step.when is not None
        gaps = [
            name for name in (made[s].text for s in found.step.kept if s) if name.isidentifier()
        ]
        self.flow.lines += [Line(f"{name} = None") for name in gaps]
        if layer:
            self.writer.none_if_absent(found)
        condition = f"{layer} is not None" if layer else self.index_text(found.step.when)
        self.flow.lines.append(If(condition, lines))
        return made

    def whole_round(
        self, found: FormalStep, values: list[Value | None], start: Value
    ) -> dict[str, Value]:
        """One round of a step that is there."""
        if found.op is not None:
            text, layout = self.apply(found, values)[""]
            made = Value(text, variables_in(text), start.type, layout=layout)
            text = self.in_layout(made, start.layout).text
            self.flow.lines = assigned(self.flow.lines, text, start.text)
            return {"": start}
        assert found.callee is not None
        is_model = found.callee.module.is_model
        names = (self.round_of_model if is_model else self.round_of_call)(found, values, start)
        layouts = {"": start.layout, **self.layouts_from(found)}
        types = {"": start.type, **found.outputs}
        return {
            slot: Value(name, variables_in(name), types[slot], layout=layouts[slot])
            for slot, name in names.items()
        }

    def round_of_call(
        self, found: FormalStep, values: list[Value | None], start: Value
    ) -> dict[str, str]:
        """One round of a call of another class; gives the names of its outputs."""
        layer = self.writer.layer(found, self.writer.constructor_of(found))
        given = [value.text for value in values if value is not None]
        args = ", ".join([*given, *self.others_for(found)])
        slots = call_outputs(found)
        if len(slots) == 1:
            self.flow.lines.append(Line(f"{start.text} = {layer}({args})"))
            return {"": start.text}
        names = self.output_names(found, slots) | {"": start.text}
        self.flow.lines.append(Line(f"{', '.join(names[s] for s in slots)} = {layer}({args})"))
        return names

    def round_of_model(
        self, found: FormalStep, values: list[Value | None], start: Value
    ) -> dict[str, str]:
        """One round of a model's call; every round has the same weights."""
        slots = call_outputs(found)
        text = self.writer.model_call(found, [v.text for v in values if v is not None])
        if len(slots) == 1:
            self.flow.lines.append(Line(f"{start.text} = {text}"))
            return {"": start.text, slots[0]: start.text}
        variable = self.fresh_variable("outputs")
        self.flow.lines.append(Line(f"{variable} = {text}"))
        self.flow.lines.append(Line(f'{start.text} = {variable}["{slots[0]}"]'))
        return {"": start.text, **{slot: f'{variable}["{slot}"]' for slot in slots}}

    def output_names(self, found: FormalStep, slots: list[str]) -> dict[str, str]:
        """A variable for each output of a call; `_` for those that nothing reads."""
        identifier = found.step.id
        names: dict[str, str] = {}
        for slot in slots:
            read = self.flow.remaining.get((identifier, slot), 0) or slot in found.step.kept
            wanted = f"{found.step.label}_{slot}" if slot.isdecimal() else slot
            wanted = wanted or value_name(found)
            names[slot] = self.fresh_variable(wanted) if read else "_"
        return names
