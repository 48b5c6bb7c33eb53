"""A method around its steps: inputs at the door, sizes and facts, what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.flow import LONGEST_RETURNED, Flow, Value
from dslc.emit.layouts import stored_axis, wanted_layouts
from dslc.emit.parameters import lower
from dslc.emit.python import If, Line, Parameter
from dslc.emit.shapes import docstring_of, holder_docstring, shape_text, with_arguments
from dslc.ir.graph import MODULE, CallModule
from dslc.syntax.expressions import (
    Compare,
    Literal,
    Name,
    Unary,
    free_names,
    to_python,
    to_spec,
)

if TYPE_CHECKING:
    from typing import ClassVar

    from dslc.emit.classes import ClassWriter
    from dslc.emit.flow import Key
    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement
    from dslc.ir.graph import Module, Ref
    from dslc.ir.types import TensorType
    from dslc.syntax.expressions import Expr


class MethodWriter:
    """Writes what stands around the steps of one class's method.

    Class attributes:
        arguments: The names of what the method takes beside its inputs.
    """

    arguments: ClassVar[tuple[str, ...]] = ("self",)

    def __init__(self, writer: ClassWriter) -> None:
        self.writer = writer
        self.target = writer.target
        self.formal = writer.formal
        self.borders = writer.module.borders
        self.names = writer.module.names.child()
        self.names.reserve(*self.arguments)
        self.is_main = writer.parameters.is_main
        self.holds = self.is_main and writer.module.program.has_several
        self.is_model = self.formal.module.is_model and not self.holds
        self.inputs = {item.name: self.names.fresh(item.name) for item in self.formal.module.inputs}
        self.models = self.name_models()
        self.loans = self.name_loans()
        self.loans_used: set[str] = set()
        self.sizes: dict[str, str] = {}
        self.flow = Flow(self.comment)
        self.decided: set[int] = set()
        self.last_shape = ""
        self.entries: dict[str, Value] = {}
        self.entry = 0
        self.loop_variables: dict[int, str] = {}

    def name_models(self) -> dict[str, str]:
        """The texts of the models at hand: the object's own where it holds them, else arguments."""
        program = self.writer.module.program
        needed = self.writer.module.needs.get(self.formal.module.name, ())
        if self.is_main:
            return {name: f"self.{program.modules[name].place}" for name in needed}
        return {name: self.names.fresh(program.modules[name].home or "") for name in needed}

    def fresh_variable(self, wanted: str) -> str:
        """A new name that no value has which something still reads."""
        name = self.names.fresh(wanted)
        while not self.flow.is_free(name):
            name = self.names.fresh(wanted)
        return name

    def name_loans(self) -> dict[str, str]:
        """The arguments that hold the layers which the method is given, by their paths."""
        loans = self.writer.module.borrowing.of(self.formal.module.name)
        return {path: self.names.fresh(word_of(loan.path)) for path, loan in loans.items()}

    def loan_text(self, path: str) -> str:
        """The argument that holds a layer of another module."""
        self.loans_used.add(path)
        return self.loans[path]

    def size(self, param: str) -> str:
        """The argument that holds what only a run knows of a param."""
        if param not in self.sizes:
            self.sizes[param] = self.names.fresh(lower(param))
        return self.sizes[param]

    def sizes_for(self, found: FormalStep) -> list[str]:
        """The sizes at hand that what a step calls needs."""
        action = found.step.action
        assert isinstance(action, CallModule)
        callee = self.writer.module.units[action.module].writer
        wanted = [name for name in callee.parameters.of_runs if name in callee.body.sizes]
        return [self.flow.index_text(action.arguments[name]) for name in wanted]

    def outputs(self) -> list[tuple[str, Ref]]:
        """What the method returns: a model's outputs, or a block's value and what it hands out."""
        module = self.formal.module
        if module.is_model:
            return list(module.outputs)
        further = [(name, ref) for name, ref in module.outputs if name]
        return [("", module.body.result), *further]

    def anchor(self) -> str:
        """The first input: a value that has no input of its own lies where that one does."""
        return next(iter(self.inputs.values()))

    def bind_inputs(self) -> None:
        """The inputs as values; none takes the variable of another, whose size facts may look at."""
        remaining = self.flow.remaining
        unread = [(MODULE, name) for name in self.inputs if not remaining.get((MODULE, name))]
        remaining.update(dict.fromkeys(unread, 1))
        for name, variable in self.inputs.items():
            given = Value(variable, frozenset((variable,)), self.formal.inputs[name])
            self.flow.values[MODULE, name] = given
        for name, variable in self.inputs.items():
            self.bind_input(name, variable)
        remaining.update(dict.fromkeys(unread, 0))

    def bind_input(self, name: str, variable: str) -> None:
        """An input as a value; a model's images are turned to the backend's layout at the door."""
        type = self.formal.inputs[name]
        layout = self.borders.input(self.formal, name)
        value = Value(variable, frozenset((variable,)), type, layout=layout)
        self.flow.values[MODULE, name] = value
        if layout == "last" and self.is_main:
            turned = self.target.to_last(variable, type)
            text = f'{turned} if {self.writer.io_layout()} == "spec" else {variable}'
            self.flow.values[MODULE, name] = Value(
                text, frozenset((variable,)), type, layout=layout
            )
            self.flow.store((MODULE, name))

    def give_back(self, outputs: list[tuple[str, Ref]]) -> None:
        """The return statement."""
        texts = {name: self.returned(name, ref) for name, ref in outputs}
        if len(texts) == 1:
            code = next(iter(texts.values()))
        elif self.formal.module.is_model:
            code = "{" + ", ".join(f"{name!r}: {text}" for name, text in texts.items()) + "}"
        else:
            code = ", ".join(texts.values())
            indent = 4 if self.target.call_name else 0  # of a method beside a function's
            if len(code) + indent > LONGEST_RETURNED + 4:
                for _, ref in outputs:
                    self.flow.store_ref(ref)
                code = ", ".join(self.returned(name, ref) for name, ref in outputs)
        value = self.flow.read(outputs[0][1])
        comment = self.comment(value) if len(texts) == 1 else None
        self.flow.lines.append(Line(f"return {code}", comment))

    def returned(self, name: str, ref: Ref) -> str:
        """An output's expression in the layout that callers expect."""
        value = self.flow.read(ref)
        layout = self.borders.output(self.formal, name)
        if not self.is_main or layout == "spec":
            return self.in_layout(value, layout).text
        value = self.flow.store_ref(ref)
        spec, last = (self.in_layout(value, layout).text for layout in ("spec", "last"))
        return f'{spec} if {self.writer.io_layout()} == "spec" else {last}'

    def border(self, key: Key, type: TensorType) -> str:
        """The layout in which a value goes round a loop, into a list, or out of a region."""
        return self.borders.layout(self.formal, key, type)

    def in_layout(self, value: Value, layout: str) -> Value:
        """A value in a layout, transposed where it has another."""
        if value.layout == layout:
            return value
        turn = self.target.to_last if layout == "last" else self.target.to_spec
        if value.is_spread:
            text = f"*({turn('item', value.type)} for item in {value.text[1:]})"
            return Value(text, value.variables, value.type, layout=layout)
        text = turn(value.operand, value.type)
        return Value(text, value.variables, value.type, heavy=value.heavy, layout=layout)

    def met(self, made: Value, entry: Value) -> tuple[Value, Value]:
        """What a step gives and what it is given in one layout, where either may be its value.

        Where one of them has more axes than the other, no layout but the spec's holds for both.
        """
        layout = entry.layout if made.type.rank == entry.type.rank else "spec"
        return self.in_layout(made, layout), self.in_layout(entry, layout)

    def comment(self, value: Value) -> str | None:
        """The shape behind a line of a model, where it has changed."""
        text = shape_text(value.type.substitute(self.formal.closed), value.layout)
        if (
            not self.is_model
            or value.type.rank == 0
            or text == self.last_shape
            or "Carry" in text
            or len(text) > 60
        ):
            return None
        self.last_shape = text
        return text

    def signature(self) -> list[Parameter]:
        """The parameters of the method after `self`: inputs, sizes, layers of others, models that it calls."""
        found = [Parameter(name, self.target.tensor) for name in self.inputs.values()]
        parameters = self.writer.parameters
        of_runs = [name for name in parameters.of_runs if name in self.sizes]
        found += [Parameter(self.sizes[name], parameters.kind(name)) for name in of_runs]
        found += [Parameter(n) for path, n in self.loans.items() if path in self.loans_used]
        if self.is_main:
            return found
        classes = self.writer.module.class_names
        return found + [Parameter(text, classes[name]) for name, text in self.models.items()]

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
        checks = self.fact_checks() if self.is_model else []
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
        for fact in entry_facts(self.formal.module):
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
        """The class's docstring: the spec's doc, the types of inputs and outputs, the params' docs."""
        parameters = self.writer.parameters
        if self.holds:
            text = holder_docstring(self.formal)
        else:
            text = docstring_of(self.formal, self.borders, parameters.is_main)
        return with_arguments(text, parameters.docs())

    def laid_out(self, found: FormalStep, values: list[Value | None]) -> list[Value | None]:
        """Values in the layout that a step works in."""
        if not self.target.channels_last:
            return values
        given = [value for value in values if value is not None]
        wanted = iter(wanted_layouts(self.target, self.borders, found, given))
        return [None if value is None else self.in_layout(value, next(wanted)) for value in values]


def word_of(path: tuple[object, ...]) -> str:
    """What a layer at a path is called where it is an argument: `up`, or `up_1` for one of several."""
    words = [str(part) for part in path]
    last = max(k for k, word in enumerate(words) if word.isidentifier())
    return "_".join(word for word in words[last:] if word.isalnum() or word.isidentifier())


def entry_facts(module: Module) -> list[Expr]:
    """The facts that a model checks at its entry: that a size may be zero needs no check."""
    return [fact for fact in module.where if not allows_zero(fact)]


def allows_zero(fact: Expr) -> bool:
    """Whether a fact is `P >= 0` or `0 <= P`, which holds for every size there is."""
    if not isinstance(fact, Compare) or fact.ops not in ((">=",), ("<=",)):
        return False
    sides = (fact.left, *fact.rights)
    size, zero = sides if fact.ops == (">=",) else reversed(sides)
    return isinstance(size, Name) and isinstance(zero, Literal) and zero.value == 0


def size_lines(value: Value, axes: dict[int, str]) -> list[Statement]:
    """Reads sizes of a value: the first few at once, others one by one."""
    variable, rank = value.text, value.type.rank
    axes = {stored_axis(axis, rank, value.layout): name for axis, name in axes.items()}
    first, end = min(axes), max(axes) + 1
    if end - first == len(axes) > 1:
        names = ", ".join(axes[axis] for axis in range(first, end))
        place = f"[{first or ''}:{'' if end == rank else end}]".replace("[:]", "")
        return [Line(f"{names} = {variable}.shape{place}")]
    return [Line(f"{axes[axis]} = {variable}.shape[{axis}]") for axis in sorted(axes)]


def negated(fact: Expr) -> Expr:
    """The condition under which a fact does not hold."""
    opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
    if isinstance(fact, Compare) and len(fact.ops) == 1 and fact.ops[0] in opposite:
        return Compare(fact.left, (opposite[fact.ops[0]],), fact.rights, fact.span)  # pyright: ignore[reportArgumentType]
    return Unary("not", fact, fact.span)
