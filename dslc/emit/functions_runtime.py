"""Layers of a generated module that read sizes when they run.

A graph of native layers is made once, for all sizes: what depends on a size, such as the first T
rows of a table, belongs into a layer of its own, which a block's function then calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.names import class_name
from dslc.emit.python import Function, Line, Parameter
from dslc.ir.graph import MODULE, ApplyOp
from dslc.syntax.expressions import free_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dslc.emit.flow import Key, Value
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions import FunctionWriter
    from dslc.emit.functions_context import FunctionContext
    from dslc.emit.python import Statement

    Rename = Callable[[str], str]
    Code = Callable[[str, Rename], str]


@final
class RuntimeLayer:
    """One layer: its tensors, the sizes it reads from them, and the numbers it is given."""

    def __init__(self, context: FunctionContext) -> None:
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
        layer = self.function.functions.runtime_layer(self.wanted(), self.method(body), doc)
        tensors = [self.context.x, *(self.source(name) for name in self.tensors if name)]
        numbers = [
            f"{own}={self.function.constructor_name(name)}" for name, own in self.numbers.items()
        ]
        return f"{layer}()({', '.join([*tensors, *numbers])})"

    def wanted(self) -> str:
        """The name that the class would like to have."""
        step = self.context.step
        return class_name(step.name or step.label or self.context.op.name)

    def method(self, body: list[Statement]) -> Function:
        """The method that runs the layer."""
        tensor = self.function.target.tensor
        parameters = [Parameter("self"), *(Parameter(n, tensor) for n in self.tensors.values())]
        parameters += [Parameter(n, "int", None, "keyword") for n in self.numbers.values()]
        return Function("call", parameters, tensor, "", body)

    def name(self, name: str) -> str:
        """A name of the spec inside the layer: a size that it reads, or a number it is given."""
        if self.function.is_static(name):
            if name not in self.numbers:
                self.numbers[name] = self.names.fresh(name)
            return self.numbers[name]
        if name not in self.sizes:
            position, input, axis = self.function.source_of(name, self.context.found)
            tensor, value = self.tensors[""], self.context.values[position or 0]
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

    def source(self, input: str) -> str:
        """The variable that still holds one of the function's inputs."""
        return self.held(input).text

    def held(self, input: str) -> Value:
        """One of the function's inputs as it is at hand."""
        return self.function.body.flow.values[MODULE, input]


def stored_axis(axis: int, rank: int) -> int:
    """Where an axis of the spec lies when the channels are last."""
    return {0: 0, 1: rank - 1}.get(axis, axis - 1)


def unknown_names(
    function: FunctionWriter, found: FormalStep, attributes: Iterable[str] | None = None
) -> list[str]:
    """The names in a step's attributes whose values only a run knows."""
    action = found.step.action
    if not isinstance(action, ApplyOp):
        return []
    wanted = action.attributes if attributes is None else attributes
    given = [action.attributes[name] for name in wanted if name in action.attributes]
    names = {name for expression in given for name in free_names(expression)}
    return sorted(name for name in names if not function.is_static(name))


def size_reads(function: FunctionWriter, found: FormalStep) -> list[Key]:
    """The inputs of the function in which a step finds sizes when it runs."""
    sources = [function.source_of(name, found) for name in unknown_names(function, found)]
    return list(
        dict.fromkeys((MODULE, input) for position, input, _ in sources if position is None)
    )
