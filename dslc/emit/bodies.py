"""The method that runs a module: its steps in order, as a person would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import OpContext
from dslc.emit.flow import Flow, Value, written_inputs
from dslc.emit.python import For, If, Line, Parameter
from dslc.emit.shapes import boundary_layout, docstring_of, shape_text
from dslc.ir.graph import MODULE, REGION_INPUT, ApplyOp, CallModule, Group, Parallel, Residual
from dslc.syntax.expressions import Compare, Unary, free_names, to_python, to_spec

if TYPE_CHECKING:
    from dslc.emit.classes import ClassWriter
    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement
    from dslc.ir.graph import Body, Ref
    from dslc.syntax.expressions import Expr


class BodyWriter:
    """Writes the statements of one class's method into its flow."""

    def __init__(self, writer: ClassWriter) -> None:
        self.writer = writer
        self.target = writer.target
        self.formal = writer.formal
        self.names = writer.module.names.child()
        self.names.reserve("self")
        self.is_main = writer.parameters.is_main
        self.inputs = {item.name: self.names.fresh(item.name) for item in self.formal.module.inputs}
        self.flow = Flow(self.comment)
        self.last_shape = ""
        self.entries: dict[str, Value] = {}
        self.entry = 0
        self.loop_variables: dict[int, str] = {}

    def run(self) -> None:
        """Writes the whole body and its return."""
        flow = self.flow
        self.count(self.formal.steps)
        outputs = self.outputs()
        flow.count([], [ref for _, ref in outputs])
        if len(outputs) == 1:
            flow.returned = {(outputs[0][1].owner, outputs[0][1].slot)}
        for name, variable in self.inputs.items():
            self.bind_input(name, variable)
        self.entries = {name: flow.values[MODULE, name] for name in self.inputs}
        self.entry = len(flow.lines)
        self.name_values(self.formal.steps)
        self.steps(self.formal.steps)
        self.give_back(outputs)

    def outputs(self) -> list[tuple[str, Ref]]:
        """What the method returns: a model's outputs, or a block's value and what it hands out."""
        module = self.formal.module
        if module.is_model:
            return list(module.outputs)
        further = [(name, ref) for name, ref in module.outputs if name not in ("", "output")]
        return [("", module.body.result), *further]

    def count(self, steps: list[FormalStep]) -> None:
        """Counts the reads of every value, regions included."""
        self.flow.count(steps, ())
        for found in steps:
            bodies = region_bodies(found)
            for body, inner in zip(bodies, found.bodies, strict=False):
                self.count(inner)
                self.flow.count([], [body.result])

    def name_values(self, steps: list[FormalStep]) -> None:
        """Reserves the names of values that the spec refers to by name."""
        for found in steps:
            step = found.step
            if step.name is not None and self.names.is_free(step.name):
                self.flow.names[step.id, ""] = step.name
            for inner in found.bodies:
                self.name_values(inner)
        self.flow.taken = set(self.inputs.values()) - {"x"}

    def bind_input(self, name: str, variable: str) -> None:
        """An input as a value; a model's images are turned to the backend's layout at the door."""
        type = self.formal.inputs[name]
        layout = boundary_layout(self.target, type)
        value = Value(variable, frozenset((variable,)), type, layout=layout)
        self.flow.values[MODULE, name] = value
        if layout == "last" and self.is_main:
            turned = self.target.to_last(variable, type.rank)
            text = f'{turned} if self.io_layout == "spec" else {variable}'
            self.writer.stored["io_layout"] = "io_layout"
            self.flow.values[MODULE, name] = Value(
                text, frozenset((variable,)), type, layout=layout
            )
            self.flow.store((MODULE, name))

    def give_back(self, outputs: list[tuple[str, Ref]]) -> None:
        """The return statement."""
        texts = {name: self.returned(self.flow.read(ref)) for name, ref in outputs}
        if len(texts) == 1:
            code = next(iter(texts.values()))
        elif self.formal.module.is_model:
            code = "{" + ", ".join(f"{name!r}: {text}" for name, text in texts.items()) + "}"
        else:
            code = ", ".join(texts.values())
        value = self.flow.read(outputs[0][1])
        comment = self.comment(value) if len(texts) == 1 else None
        self.flow.lines.append(Line(f"return {code}", comment))

    def returned(self, value: Value) -> str:
        """An output's expression in the layout that callers expect."""
        layout = boundary_layout(self.target, value.type)
        if self.is_main and layout == "last":
            stored = self.in_layout(value, "last").text
            self.writer.stored["io_layout"] = "io_layout"
            turned = self.target.to_spec(f"({stored})", value.type.rank)
            return f'{turned} if self.io_layout == "spec" else {stored}'
        return self.in_layout(value, layout).text

    def in_layout(self, value: Value, layout: str) -> Value:
        """A value in a layout, transposed where it has another."""
        if value.layout == layout:
            return value
        turn = self.target.to_last if layout == "last" else self.target.to_spec
        text = turn(value.operand, value.type.rank)
        return Value(text, value.variables, value.type, heavy=value.heavy, layout=layout)

    def steps(self, steps: list[FormalStep]) -> None:
        """Steps in order."""
        for found in steps:
            self.step(found)

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
                self.loop(found)
            elif isinstance(step.action, ApplyOp):
                self.op(found)
            else:
                self.call(found)
            self.writer.leave_loop(found)
        elif step.when is not None and self.is_optional(found):
            self.conditional_region(found)
        else:
            self.region(found)

    def alias(self, key: tuple[int, str], ref: Ref) -> None:
        """Lets a key stand for the value of a reference."""
        self.flow.values[key] = self.flow.read(ref)
        self.flow.done(ref)

    def is_optional(self, found: FormalStep) -> bool:
        """Whether a `when` depends on anything but constants, so that it stays an `if`."""
        return found.step.when is not None and bool(free_names(found.step.when))

    def operands(self, found: FormalStep, *, heavy: bool) -> list[Value | None]:
        """The values of a step's inputs, laid out as its op wants them."""
        values: list[Value | None] = []
        for ref in found.step.inputs:
            if ref is None:
                values.append(None)
                continue
            if heavy and self.flow.read(ref).heavy:
                self.flow.store((ref.owner, ref.slot))
            values.append(self.flow.read(ref))
        return self.laid_out(found, values)

    def laid_out(self, found: FormalStep, values: list[Value | None]) -> list[Value | None]:
        """Values in the layout that a step works in."""
        if not self.target.channels_last:
            return values
        wanted = self.layouts(found, [value for value in values if value is not None])
        return [
            None if value is None else self.in_layout(value, layout)
            for value, layout in zip(values, wanted + ["spec"] * len(values), strict=False)
        ]

    def layouts(self, found: FormalStep, values: list[Value]) -> list[str]:
        """The layout that each input is wanted in."""
        if found.op is None:
            return [boundary_layout(self.target, value.type) for value in values]
        kind = found.op.layout
        if kind == "channels":
            return ["last" if value.type.rank > 2 else "spec" for value in values]
        ranks = {value.type.rank for value in values}
        turned = any(value.layout == "last" for value in values)
        keeps = found.outputs[""].rank == values[0].type.rank if values else False
        if turned and kind in ("elementwise", "axes") and len(ranks) == 1 and keeps:
            return ["last"] * len(values)
        return ["spec"] * len(values)

    def op(self, found: FormalStep) -> None:
        """An op: its rule's expression becomes the step's value."""
        heavy = self.is_heavy(found)
        values = self.operands(found, heavy=heavy)
        before = len(self.flow.lines)
        texts = self.apply(found, values)
        del before
        self.finish(found, values, texts, heavy=heavy)

    def is_heavy(self, found: FormalStep) -> bool:
        """Whether a step does the work: a call, or an op with a matrix of weights."""
        if found.op is None:
            return True
        types = [type for type in found.inputs if type is not None]
        return any(len(weight.shape) > 1 for weight in found.op.weights(*types))

    def apply(self, found: FormalStep, values: list[Value | None]) -> dict[str, tuple[str, str]]:
        """What the rule of an op says: expression and layout by output."""
        assert found.op is not None
        context = OpContext(self.writer, found, values)
        result = self.target.rules.find(type(found.op))(context)
        layout = self.layout_after(found, values)
        if context.layout is not None:
            layout = context.layout
        texts = {"": result} if isinstance(result, str) else dict(result)
        if self.is_optional(found) and found.step.repeat is None:
            texts[""] = self.optional(found, values, texts[""])
        return {slot: (text, layout) for slot, text in texts.items()}

    def layout_after(self, found: FormalStep, values: list[Value | None]) -> str:
        """The layout of an op's output: its first input's, where the ranks agree."""
        first = next((value for value in values if value is not None), None)
        if first is None or found.outputs[""].rank != first.type.rank:
            return "spec"
        return first.layout

    def optional(self, found: FormalStep, values: list[Value | None], text: str) -> str:
        """The value of an op under a `when`: its own, or its first input's."""
        first = values[0]
        assert first is not None
        own = f"self.{found.step.label}"
        made = f"{own} = "
        if any(isinstance(draft, str) and draft.startswith(made) for draft in self.writer.drafts):
            if text == f"{own}({first.text})" or text == f"{own}({first.operand})":
                return self.target.call_optional(own, first.text, first.text)
            return f"{text} if {own} is not None else {first.text}"
        return f"{text} if {self.condition(found)} else {first.text}"

    def condition(self, found: FormalStep) -> str:
        """A step's condition where the module runs: a stored truth value."""
        assert found.step.when is not None
        wanted = f"has_{found.step.label or 'region'}"
        return f"self.{self.writer.store(self.writer.expression(found.step.when), wanted)}"

    def call(self, found: FormalStep) -> None:
        """A call of another class."""
        values = self.operands(found, heavy=True)
        layer = self.writer.layer(found, self.writer.constructor_of(found))
        given = [value for value in values if value is not None]
        args = ", ".join(value.text for value in given)
        text = f"{layer}({args})"
        if self.is_optional(found):
            text = self.target.call_optional(layer, args, given[0].text)
        assert found.callee is not None
        outputs = call_outputs(found)
        layouts = {s: boundary_layout(self.target, found.outputs[s]) for s in outputs}
        if len(outputs) == 1:
            self.finish(found, values, {"": (text, layouts[outputs[0]])}, heavy=True)
            return
        names = {slot: self.names.fresh(slot or found.step.name or "value") for slot in outputs}
        self.flow.lines.append(Line(f"{', '.join(names.values())} = {text}"))
        texts = {slot: (name, layouts[slot]) for slot, name in names.items()}
        self.finish(found, values, texts, heavy=False)

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
        for slot, (text, layout) in texts.items():
            plain = text.isidentifier()
            type = found.outputs[slot]
            names = frozenset((text,)) if plain else used | locals_in(text, self.names)
            value = Value(text, names, type, heavy=0 if plain else count, layout=layout)
            self.flow.bind((found.step.id, slot), value)

    def loop_variable(self, found: FormalStep) -> str:
        """The variable that runs over the layers of a repeat."""
        if found.step.id not in self.loop_variables:
            self.loop_variables[found.step.id] = self.names.fresh(found.step.label)
        return self.loop_variables[found.step.id]

    def loop(self, found: FormalStep) -> None:
        """A repeat: a loop over its layers that passes the value on."""
        step = found.step
        key = (step.id, "")
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
        if variable != first.text:
            self.flow.lines.append(Line(f"{variable} = {first.text}"))
        value = Value(variable, frozenset((variable,)), type, layout=first.layout)
        outer, self.flow.lines = self.flow.lines, []
        text = self.round(found, [value, *values[1:]])
        self.flow.lines.append(Line(f"{variable} = {text}"))
        body, self.flow.lines = self.flow.lines, outer
        target, iterable = self.loop_header(found)
        self.flow.lines.append(For(target, iterable, body))
        self.flow.values[key] = value

    def stored_operand(self, ref: Ref | None) -> Value | None:
        """An input of a loop, in a variable."""
        return None if ref is None else self.flow.store((ref.owner, ref.slot))

    def can_reuse(self, value: Value) -> bool:
        """Whether a loop may overwrite the variable that it starts from."""
        return value.is_variable and self.flow.is_free(value.text, (-1, ""))

    def round(self, found: FormalStep, values: list[Value | None]) -> str:
        """The expression of one round."""
        if found.op is not None:
            return self.apply(found, values)[""][0]
        layer = self.writer.layer(found, self.writer.constructor_of(found))
        args = ", ".join(value.text for value in values if value is not None)
        if self.is_optional(found):
            first = values[0]
            assert first is not None
            return self.target.call_optional(layer, args, first.text)
        return f"{layer}({args})"

    def loop_header(self, found: FormalStep) -> tuple[str, str]:
        """What a loop runs over: its layers, or a count."""
        step = found.step
        assert step.repeat is not None
        if step.id in self.loop_variables:
            return self.loop_variables[step.id], f"self.{step.label}"
        count = step.repeat.times
        assert count is not None
        return "_", f"range({to_python(count, self.writer.call_name)})"

    def region(self, found: FormalStep) -> None:
        """An unnamed group, residual or parallel region, written in place."""
        step = found.step
        action = step.action
        start = step.inputs[0]
        assert start is not None
        key = (step.id, REGION_INPUT)
        if self.flow.remaining.get(key, 0) > 1:
            self.flow.store((start.owner, start.slot))
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

    def join(self, found: FormalStep, results: list[Ref], way: str) -> None:
        """Joins paths."""
        values = [self.flow.read(ref) for ref in results]
        layout = "last" if any(value.layout == "last" for value in values) else "spec"
        if way not in ("add", "mul"):
            layout = "spec"
        values = [self.in_layout(value, layout) for value in values]
        if isinstance(found.step.action, Residual) and values[1].is_variable:
            values.reverse()
        texts = [value.operand for value in values]
        text = self.target.joined(way, texts, found, self.writer)
        used = frozenset[str]().union(*(value.variables for value in values))
        heavy = sum(value.heavy for value in values)
        for ref in results:
            self.flow.done(ref)
        for slot, type in found.outputs.items():
            part = text if isinstance(text, str) else text[slot]
            value = Value(part, used, type, heavy=heavy, layout=layout)
            self.flow.bind((found.step.id, slot), value)

    def conditional_region(self, found: FormalStep) -> None:
        """A region under a `when`: an `if` here and in the constructor."""
        step = found.step
        start = step.inputs[0]
        assert start is not None
        assert step.when is not None
        entry = self.flow.store((start.owner, start.slot))
        condition = self.condition(found)
        outer, self.flow.lines = self.flow.lines, []
        with self.writer.conditional(self.writer.expression(step.when)):
            self.region(found)
        value = self.flow.read_key((step.id, ""))
        layout = (
            boundary_layout(self.target, value.type) if entry.layout == "spec" else entry.layout
        )
        value = self.in_layout(
            value, entry.layout if value.type.rank == entry.type.rank else layout
        )
        variable = entry.text if self.can_reuse(entry) else self.flow.variable((step.id, ""))
        if value.text != variable:
            self.flow.lines.append(Line(f"{variable} = {value.text}"))
        body, self.flow.lines = self.flow.lines, outer
        if variable != entry.text:
            self.flow.lines.append(Line(f"{variable} = {entry.text}"))
        self.flow.lines.append(If(condition, body))
        stored = Value(variable, frozenset((variable,)), value.type, layout=value.layout)
        self.flow.values[step.id, ""] = stored

    def comment(self, value: Value) -> str | None:
        """The shape behind a line of the main model, where it has changed."""
        text = shape_text(value.type.substitute(self.formal.closed), value.layout)
        if not self.is_main or text == self.last_shape or "Carry" in text or len(text) > 60:
            return None
        self.last_shape = text
        return text

    def signature(self) -> list[Parameter]:
        """The parameters of the method after `self`."""
        return [Parameter(name, self.target.tensor) for name in self.inputs.values()]

    def returns(self) -> str:
        """The annotation of what the method returns."""
        count = len(self.outputs())
        tensor = self.target.tensor
        if count == 1:
            return tensor
        if self.formal.module.is_model:
            return f"dict[str, {tensor}]"
        return f"tuple[{', '.join([tensor] * count)}]"

    def prelude(self) -> list[Statement]:
        """Sizes that the body reads, and the facts that the model rests on."""
        checks = self.fact_checks() if self.is_main else []
        places: dict[str, dict[int, str]] = {}
        for name, variable in self.writer.shapes.items():
            place = self.writer.parameters.place(name)
            assert place is not None
            places.setdefault(place[0], {})[place[1]] = variable
        lines = [
            line for input, axes in places.items() for line in size_lines(self.entries[input], axes)
        ]
        return [*lines, *checks]

    def statements(self) -> list[Statement]:
        """The method's statements: inputs turned at the door, sizes and facts, then the steps."""
        lines = self.flow.lines
        return [*lines[: self.entry], *self.prelude(), *lines[self.entry :]]

    def fact_checks(self) -> list[Statement]:
        """A check for each fact in the model's `where`: nothing else looks at them."""
        checks: list[Statement] = []
        for fact in self.formal.module.where:
            text = to_python(negated(fact), self.writer.call_name)
            sizes = [
                f"{name} = {{{self.writer.call_name(name)}}}"
                for name in sorted(free_names(fact))
                if self.writer.parameters.place(name) is not None
            ]
            message = f"{to_spec(fact)} does not hold for {', '.join(sizes)}"
            checks.append(If(text, [Line(f"raise ValueError(f{message!r})")]))
        return checks

    def docstring(self) -> str:
        """The class's docstring: the spec's doc, and the types of inputs and outputs."""
        return docstring_of(self.formal, self.target, self.is_main)


def size_lines(value: Value, axes: dict[int, str]) -> list[Statement]:
    """Reads sizes of a value: the first few at once, others one by one."""
    variable, last = value.text, value.type.rank - 1
    if value.layout == "last":
        axes = {0 if k == 0 else last if k == 1 else k - 1: name for k, name in axes.items()}
    count = len(axes)
    if count > 1 and sorted(axes) == list(range(count)):
        names = ", ".join(axes[axis] for axis in range(count))
        return [Line(f"{names} = {variable}.shape[:{count}]")]
    return [Line(f"{axes[axis]} = {variable}.shape[{axis}]") for axis in sorted(axes)]


def negated(fact: Expr) -> Expr:
    """The condition under which a fact does not hold."""
    opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
    if isinstance(fact, Compare) and len(fact.ops) == 1 and fact.ops[0] in opposite:
        return Compare(fact.left, (opposite[fact.ops[0]],), fact.rights, fact.span)  # pyright: ignore[reportArgumentType]
    return Unary("not", fact, fact.span)


def call_outputs(found: FormalStep) -> list[str]:
    """The outputs that a call gives: its value, and what the block hands out beyond it."""
    assert found.callee is not None
    module = found.callee.module
    if module.is_model:
        return [name for name, _ in module.outputs]
    return ["", *(name for name, _ in module.outputs if name not in ("", "output"))]


def region_bodies(found: FormalStep) -> list[Body]:
    """The bodies of a region in order."""
    action = found.step.action
    if isinstance(action, Group):
        return [action.body]
    if isinstance(action, Residual):
        return [action.main, action.shortcut]
    return [body for _, body in action.branches] if isinstance(action, Parallel) else []


def locals_in(text: str, names: object) -> frozenset[str]:
    """The local variables in an expression that a rule made."""
    import ast

    del names
    tree = ast.parse(text, mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
