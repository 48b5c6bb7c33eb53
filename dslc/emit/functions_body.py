"""The body of a function: layers by their paths, groups in place, loops and conditions as such."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.calls import call_outputs, value_name
from dslc.emit.flow import NOTHING, Value
from dslc.emit.functions_context import FunctionContext
from dslc.emit.functions_loops import LoopWriter
from dslc.emit.functions_names import PathText, attribute_of
from dslc.emit.functions_regions import FunctionRegions
from dslc.emit.functions_runtime import size_reads
from dslc.emit.method import word_of
from dslc.emit.python import Line, Parameter
from dslc.emit.shapes import boundary_layout
from dslc.ir.graph import (
    MODULE,
    ApplyOp,
    CallModule,
)
from dslc.ir.needs import apart
from dslc.ir.walk import followers

if TYPE_CHECKING:
    from dslc.emit.flow import Key
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions import FunctionWriter
    from dslc.emit.python import Statement
    from dslc.ir.graph import Ref
    from dslc.syntax.expressions import Expr


@final
class FunctionBody(FunctionRegions):
    """Writes the statements of one function into its flow."""

    def __init__(self, writer: FunctionWriter) -> None:
        self.function = writer
        super().__init__(writer)
        self.names = writer.parameters.names
        self.names.reserve("name")
        self.inputs = {item.name: self.names.fresh(item.name) for item in self.formal.module.inputs}
        module = self.formal.module
        self.is_main = module.is_model
        self.is_part = module.is_model and not writer.parameters.is_main
        self.models = self.name_models()
        self.loans = self.name_loans()
        start = ((module.home or "", False),) if self.is_part else ()
        start = start if self.is_main else (("name", True),)
        self.path = PathText(writer.functions_target.separator, *start)
        self.root = self.path
        self.uses_name = False
        self.loops = LoopWriter(self)
        self.anchors: list[Value] = []
        self.scan_before: list[tuple[list[Statement], int]] = []

    def run(self) -> None:
        """Writes the whole body and its return."""
        self.flow.taken = self.taken()
        for name in self.function.module.units if self.holds else ():
            if name in self.models:
                made = self.function.model_made(name)
                self.flow.lines.append(Line(f"{self.models[name]} = {made}"))
        super().run()

    def name_loans(self) -> dict[str, str]:
        """The arguments that hold layers of what calls the function, by their paths."""
        loans = self.function.functions.ties.of(self.formal.module.name)
        return {path: self.names.fresh(word_of(loan.path)) for path, loan in loans.items()}

    def name_models(self) -> dict[str, str]:
        """The variables of the models that the function makes or is given."""
        modules = self.writer.module.program.modules
        needed = self.writer.module.needs.get(self.formal.module.name, ())
        places = {name: modules[name].place.replace(".", "_") for name in needed}
        return {name: self.names.fresh(place) for name, place in places.items()}

    def signature(self) -> list[Parameter]:
        """What a function takes beside params: a block's inputs, and the models that it calls."""
        inputs = () if self.is_main else tuple(self.inputs.values())
        found = [Parameter(name, self.target.tensor) for name in inputs]
        loans = self.function.functions.ties.of(self.formal.module.name)
        for path, name in self.loans.items():
            if path in self.loans_used:
                kind = loans[path].kind
                found.append(Parameter(name, kind))
        models = () if self.writer.parameters.is_main else self.models.values()
        model = self.function.functions_target.model
        return found + [Parameter(name, model) for name in models]

    def taken(self) -> set[str]:
        """The names that a variable may not have: what the function takes, or may come to take."""
        module, program = self.formal.module, self.writer.module.program
        params = {param.name for param in (*module.params, *program.params)}
        inputs = set(self.inputs.values())
        return params | (inputs if self.is_main else inputs - {"x"})

    def count(self, steps: list[FormalStep]) -> None:
        """Counts the reads of every value, those among them that only look at a size."""
        for found in steps:
            around = self.loops.enter_sizes(found)
            super().count([found])
            for key in (*size_reads(self.function, found), *self.held([found])):
                self.flow.remaining[key] = self.flow.remaining.get(key, 0) + 1
            self.function.items = around

    def label_of(self, found: FormalStep) -> str:
        """What a step adds to the path here; a loop has added it already for its rounds."""
        return "" if found.step.repeat is not None else found.step.label

    def path_text(self, *words: str) -> str:
        """The path of a layer as an expression; a block's caller has to give its part."""
        self.uses_name = self.uses_name or not self.is_main
        path = self.path
        for word in words:
            path = path.word(word)
        return self.function.functions_target.layer_name(path)

    def name_values(self, steps: list[FormalStep]) -> None:
        """Reserves the names that the spec refers to, clear of what the function may take."""
        super().name_values(steps)
        self.flow.taken = taken = self.taken()
        names = self.flow.names
        kept = self.function.kept_layers()  # their names are the layers' own
        self.flow.names = {
            key: name for key, name in names.items() if name not in taken and key[0] not in kept
        }

    def layer_variable(self, label: str, *, is_kept: bool = True) -> str:
        """A variable for a layer, clear of the values that something still reads."""
        name = self.names.fresh(label)
        while not self.flow.is_free(name):
            name = self.names.fresh(label)
        if is_kept:
            self.flow.layers.add(name)
        return name

    def layer_place(self, *, is_lent: bool) -> list[Statement]:
        """Where a layer is made: here, or before the scans that the innermost loop runs."""
        loops = len(self.loops.before)
        scans = (lines for lines, around in self.scan_before if around == loops)
        return next(scans, self.flow.lines) if is_lent else self.flow.lines

    def list_place(self) -> list[Statement]:
        """Where a list of layers begins: before the outermost loop or scan."""
        if self.scan_before and not self.scan_before[0][1]:
            return self.scan_before[0][0]
        return self.loops.before[0]

    def bind_input(self, name: str, variable: str) -> None:
        """An input of a block as it is; one of the model as the target makes it."""
        type = self.formal.inputs[name]
        layout = self.borders.input(self.formal, name)
        value = Value(variable, frozenset((variable,)), type, layout=layout)
        self.flow.values[MODULE, name] = value
        if self.is_main:
            stream = self.flow.variable((MODULE, name), frozenset(self.inputs.values()))
            lines, used = self.function.functions_target.enter(
                self.function, name, variable, stream
            )
            self.flow.lines += lines
            self.flow.values[MODULE, name] = Value(used, frozenset((used,)), type, layout=layout)
            if name == list(self.inputs)[-1] and not self.holds:
                self.function.functions_target.check_facts(self)

    def give_back(self, outputs: list[tuple[str, Ref]]) -> None:
        """The return statement; a model's outputs get their names first."""
        if not self.is_main:
            super().give_back(outputs)
            return
        texts = {name: self.output(name, ref) for name, ref in outputs}
        turned: set[str] = set()
        for name, ref in outputs:
            value = self.flow.read(ref)
            is_image = boundary_layout(self.target, value.type) == "last"
            if is_image and texts[name] not in turned:
                turned.add(texts[name])
                self.flow.lines += self.function.functions_target.leave(self.function, value)
        code = self.function.functions_target.model_of(self.function, self.inputs, texts)
        self.flow.lines += self.finished(code)

    def finished(self, code: str) -> list[Line]:
        """The return of a model; one that is in no graph here is an attribute of what holds it."""
        program = self.writer.module.program
        held = apart(program) if self.writer.parameters.is_main else ()
        if not held:
            return [Line(f"return {code}")]
        model = self.names.fresh("model")
        lines = [Line(f"{model} = {code}")]
        for name in held:
            made = self.models[name] if self.holds else self.function.model_made(name)
            lines.append(Line(f"{model}.{attribute_of(program, name)} = {made}"))
        return [*lines, Line(f"return {model}")]

    def output(self, name: str, ref: Ref) -> str:
        """The variable of one of the model's outputs, the output's own name where it is free."""
        key = ref.key
        value = self.flow.read(ref)
        if ref.index is not None:
            value.type = self.formal.outputs[name]
        if boundary_layout(self.target, value.type) == "spec":
            value = self.in_layout(value, "spec")
        if not value.is_variable:
            free = self.names.is_free(name) and name not in self.flow.taken
            free = free and self.flow.is_free(name, key)
            variable = self.names.fresh(name) if free else self.flow.variable(key)
            self.flow.assign(variable, value.text, value)
            value = value.renamed(variable)
        if ref.index is None:
            self.flow.values[key] = value
        return value.text

    def can_reuse(self, value: Value, key: Key = NOTHING) -> bool:
        """Whether a variable may be overwritten: never one that holds the model's input."""
        kept = self.is_main and value.text in self.inputs.values()
        return not kept and super().can_reuse(value, key)

    def is_heavy(self, found: FormalStep) -> bool:
        """Whether a step is a named layer: a call, or an op with weights."""
        types = [type for type in found.inputs if type is not None]
        return found.op is None or bool(found.op.weights(*types))

    def step(self, found: FormalStep) -> None:
        """One step: in its loop, under its condition, or as it is."""
        if found.absent:
            super().step(found)
        elif found.step.repeat is not None:
            self.loops.write(found)
        else:
            self.once(found)

    def once(self, found: FormalStep) -> None:
        """One run of a step, under its condition."""
        if self.is_optional(found):
            self.conditional(found)
        else:
            self.always(found)

    def always(self, found: FormalStep) -> None:
        """One run of a step that is there."""
        action = found.step.action
        if isinstance(action, ApplyOp):
            self.op(found)
        elif isinstance(action, CallModule):
            self.call(found)
        else:
            self.region(found)

    def operands(self, found: FormalStep, *, heavy: bool) -> list[Value | None]:
        """The values of a step's inputs; in a loop, the first is what the last round left."""
        carried = self.loops.carried.get(found.step.id)
        given = [ref for ref in found.step.inputs if ref is not None]
        if carried is None:
            deepest = 0 if heavy or len(given) > 1 else 1
            for ref in given:
                if heavy or self.flow.read(ref).heavy > deepest:
                    self.flow.store_ref(ref)
            return super().operands(found, heavy=heavy)
        refs = found.step.inputs
        values: list[Value | None] = [
            carried if follows else None if ref is None else self.flow.read(ref)
            for ref, follows in zip(refs, followers(found.step.action, refs), strict=True)
        ]
        return self.laid_out(found, values)

    def finish(
        self,
        found: FormalStep,
        values: list[Value | None],
        texts: dict[str, tuple[str, str]],
        *,
        heavy: bool,
    ) -> None:
        """As ever; what is called on a layer's call counts as one more, so that lines stay flat."""
        for key in size_reads(self.function, found):
            self.flow.remaining[key] -= 1
        inside = any(value.heavy for value in values if value is not None)
        super().finish(found, values, texts, heavy=heavy or inside)
        if found.step.id in self.function.lent():  # whose weights are there once it is called
            for slot in texts:
                key = (found.step.id, slot)
                if self.flow.remaining.get(key, 0) and key not in self.flow.returned:
                    self.flow.store(key)

    def context(self, found: FormalStep, values: list[Value | None]) -> FunctionContext:
        """What the rule of an op sees."""
        return FunctionContext(self.function, found, values)

    def optional(
        self, found: FormalStep, values: list[Value | None], text: str, layout: str
    ) -> tuple[str, str]:
        """The op itself: its condition stands around it."""
        del found, values
        return text, layout

    def call(self, found: FormalStep) -> None:
        """A call of another block's function."""
        values = self.operands(found, heavy=True)
        given = [value.text for value in values if value is not None]
        assert found.callee is not None
        if found.callee.module.is_model:
            text = self.function.model_call(found, given)
            self.bind_model(found, values, text, found.step.name or "outputs")
            return
        text = self.loops.shared_call(found, given) or self.function.call_of(found, given)
        outputs = call_outputs(found)
        layouts = self.layouts_from(found)
        if len(outputs) == 1:
            self.finish(found, values, {"": (text, layouts[outputs[0]])}, heavy=True)
            return
        wanted = {slot: slot or value_name(found) for slot in outputs}
        names = {slot: self.fresh_variable(name) for slot, name in wanted.items()}
        self.flow.lines.append(Line(f"{', '.join(names.values())} = {text}"))
        texts = {slot: (name, layouts[slot]) for slot, name in names.items()}
        self.finish(found, values, texts, heavy=False)

    def index_text(self, index: Expr) -> str:
        """An index: a function has its params and its loops' names at hand."""
        return self.writer.expression(index)
