"""Layers of a generated module that read sizes when they run.

A graph of native layers is made once, for all sizes: what depends on a size, such as the first T
rows of a table, belongs into a layer of its own, which a block's function then calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.names import class_name
from dslc.emit.python import Function, Line, Parameter
from dslc.ir.arithmetic import Arithmetic
from dslc.ir.graph import MODULE, ApplyOp, Scan
from dslc.syntax.expressions import Binary, Formula, Name, free_names, to_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dslc.emit.flow import Key, Value
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions import FunctionWriter
    from dslc.emit.functions_context import FunctionContext
    from dslc.emit.python import Statement
    from dslc.syntax.expressions import Expr

    Rename = Callable[[str], str]
    Code = Callable[[str, Rename], str]

WORDS = {"/": "Divided", "//": "Divided", "*": "Scaled", "+": "Shifted", "-": "Shifted"}
"""What an operator does to a value by a size."""


@final
class RuntimeLayer:
    """One layer: its tensors, the sizes it reads from them, and the numbers it is given."""

    def __init__(self, context: FunctionContext | Rounds) -> None:
        self.context = context
        self.function = context.function
        self.names = self.function.module.names.child()
        self.tensors = {"": self.names.fresh("x")}
        self.sizes: dict[str, str] = {}
        self.numbers: dict[str, str] = {}
        self.lines: list[Statement] = []

    def call(self, code: Code, doc: str) -> str:
        """The call of the layer, whose class is put into the module."""
        text = self.function.functions_target.for_sizes(
            self.function, code(self.tensors[""], self.name)
        )
        body = [*self.lines, Line(f"return {text}")]
        layer = self.function.functions.runtime_layer(
            self.wanted(), class_name(self.function.formal.module.name), self.method(body), doc
        )
        tensors = [self.source(name) for name in self.tensors]
        indices = {index: index for _, index in self.function.items.values()}
        numbers = [
            f"{own}={indices.get(name) or self.function.constructor_name(name)}"
            for name, own in self.numbers.items()
        ]
        return f"{layer}({self.options()})({', '.join([*tensors, *numbers])})"

    def options(self) -> str:
        """The arguments of the layer itself."""
        found = self.context.found
        types = (*(type for type in found.inputs if type is not None), *found.outputs.values())
        return self.function.functions_target.layer_options(*types)

    def wanted(self) -> str:
        """The name that the class would like to have."""
        if isinstance(self.context, Rounds):
            return f"{class_name(self.context.step.label)}Rounds"
        step, op = self.context.step, self.context.op
        if step.name is None and isinstance(op, Arithmetic):
            return arithmetic_name(op.values["formula"].formula, list(self.sizes))
        name = class_name(step.name or step.label or op.name)
        return (
            f"{name}Places" if op.weights(*self.context.types) else name
        )  # the layer of its weights has that

    def method(self, body: list[Statement]) -> Function:
        """The method that runs the layer."""
        tensor = self.function.target.tensor
        parameters = [Parameter("self"), *(Parameter(n, tensor) for n in self.tensors.values())]
        parameters += [
            Parameter(own, self.kind(name), None, "keyword") for name, own in self.numbers.items()
        ]
        return Function("call", parameters, tensor, "", body)

    def kind(self, name: str) -> str:
        """The annotation of a number."""
        value = self.context.found.samples[0].environment.get(name)
        return "float" if isinstance(value, float) else "int"

    def name(self, name: str) -> str:
        """A name of the spec inside the layer: a size that it reads, or a number it is given."""
        if name in self.function.items:
            items, index = self.function.items[name]
            self.numbers[index] = index
            return f"{to_python(items, self.name)}[{index}]"
        if self.function.is_static(name):
            if name not in self.numbers:
                self.numbers[name] = self.names.fresh(name)
            return self.numbers[name]
        if name not in self.sizes:
            position, input, axis = self.function.source_of(name, self.context.found)
            tensor, value = self.operand(position or 0), self.context.values[position or 0]
            if position is None:
                if input not in self.tensors:
                    self.tensors[input] = self.names.fresh(input)
                tensor, value = self.tensors[input], self.held(input)
            if value is not None and value.layout == "last":
                axis = stored_axis(axis, value.type.rank)
            self.sizes[name] = self.names.fresh(name.lower())
            size = self.function.functions_target.size(tensor, axis)
            self.lines.append(Line(f"{self.sizes[name]} = {size}"))
        return self.sizes[name]

    def operand(self, position: int) -> str:
        """The layer's own name for one of the step's inputs."""
        key = f"{position}" if position else ""
        if key not in self.tensors:
            value = self.context.values[position]
            named = value is not None and value.text.isidentifier()
            self.tensors[key] = self.names.fresh(value.text if value and named else "y")
        return self.tensors[key]

    def source(self, key: str) -> str:
        """What a tensor of the layer is given: an input of the step, or one of the function."""
        if not key or key.isdecimal():
            operand = self.context.arg(int(key or 0))
            assert operand is not None
            return operand
        return self.held(key).text

    def held(self, input: str) -> Value:
        """One of the function's inputs as it is at hand."""
        return self.function.body.flow.values[MODULE, input]


@final
class Rounds:
    """What a layer sees that counts the rounds of a scan: the scan's inputs."""

    def __init__(
        self, function: FunctionWriter, found: FormalStep, values: list[Value | None]
    ) -> None:
        self.function = function
        self.found = found
        self.step = found.step
        self.values = values

    def arg(self, position: int) -> str | None:
        """One input's expression."""
        value = self.values[position]
        return None if value is None else value.operand


def arithmetic_name(formula: Expr, sizes: list[str]) -> str:
    """What arithmetic with sizes does, as a class's name: `x / sqrt(T)` is `DividedByT`."""
    whose = "By" + ("".join(map(class_name, sizes)) or "Number")
    while isinstance(formula, Formula):
        formula = formula.body
    while isinstance(formula, Binary):
        left, right = (free_names(part) & {*sizes} for part in (formula.left, formula.right))
        word = WORDS.get(formula.op)
        if word and right and not left:
            return f"{word}{whose}"
        if word and isinstance(formula.left, Name) and formula.op in ("+", "*") and not right:
            return f"{word}{whose}"
        if right:
            break
        formula = formula.left
    return f"Formula{whose}"


def stored_axis(axis: int, rank: int) -> int:
    """Where an axis of the spec lies when the channels are last."""
    return {0: 0, 1: rank - 1}.get(axis, axis - 1)


def unknown_names(
    function: FunctionWriter, found: FormalStep, attributes: Iterable[str] | None = None
) -> list[str]:
    """The names in a step's attributes whose values only a run knows."""
    action = found.step.action
    if isinstance(action, Scan) and action.times is not None:
        return sorted(n for n in free_names(action.times) if not function.is_static(n))
    if not isinstance(action, ApplyOp):
        return []
    wanted = action.attributes if attributes is None else attributes
    given = [action.attributes[name] for name in wanted if name in action.attributes]
    names = {name for expression in given for name in free_names(expression)}
    return sorted(name for name in names if not function.is_static(name))


def size_reads(function: FunctionWriter, found: FormalStep) -> list[Key]:
    """The inputs of the function in which a step finds sizes when it runs."""
    items = [function.items[n][0] for n in unknown_names(function, found) if n in function.items]
    names = {name for item in items for name in free_names(item) if not function.is_static(name)}
    names |= {name for name in unknown_names(function, found) if name not in function.items}
    sources = [function.source_of(name, found) for name in sorted(names)]
    return list(
        dict.fromkeys((MODULE, input) for position, input, _ in sources if position is None)
    )
