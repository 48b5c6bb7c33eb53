"""What differs between frameworks whose blocks are functions; Keras is the one that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.classes import ClassWriter
    from dslc.emit.flow import Value
    from dslc.emit.formal import Formal
    from dslc.emit.functions import FunctionModule, FunctionWriter
    from dslc.emit.functions_body import FunctionBody
    from dslc.emit.functions_context import FunctionContext
    from dslc.emit.functions_names import PathText
    from dslc.emit.python import Class, Function, Statement
    from dslc.ir.types import TensorType


class FunctionTarget(Target):
    """What a target says beyond `Target` where its blocks are functions.

    Class attributes:
        model: The annotation of a model.
        separator: What stands between the parts of a path in a layer's name.
    """

    model = ""
    separator = "."
    closed = True
    builds_runs = True

    def call_optional(self, layer: str, args: str, otherwise: str) -> str:
        """A call of a layer that may be absent: its condition stands around it."""
        return f"{layer}({args})"

    def survey(self, module: FunctionModule, formals: Sequence[Formal]) -> None:
        """Looks at all that will be written, before anything is."""

    def finish(self, module: FunctionModule) -> None:
        """Looks at all that was written."""

    def enter(
        self, writer: FunctionWriter, name: str, variable: str, stream: str
    ) -> tuple[list[Statement], str]:
        """The statements that make a model's input, and the variable that goes on from there."""
        raise TypeError("a target says how it makes inputs")

    def check_facts(self, body: FunctionBody) -> None:
        """Checks what a model rests on, once its inputs are there."""

    def leave(self, writer: FunctionWriter, value: Value) -> list[Statement]:
        """The statements that turn an output, in a variable, to the layout that callers expect."""
        raise TypeError("a target says how it transposes outputs")

    def model_of(
        self, writer: FunctionWriter, inputs: dict[str, str], outputs: dict[str, str]
    ) -> str:
        """The expression of the finished model, from variables by name."""
        raise TypeError("a target says how it makes models")

    def layer_options(self, *types: TensorType) -> str:
        """The arguments of a layer of ours that takes or gives values of such types."""
        return ""

    def one_or_named(self, variables: dict[str, str]) -> str:
        """What a model is called with: one tensor as it is, several by their names."""
        if len(variables) == 1:
            return next(iter(variables.values()))
        return "{" + ", ".join(f"{name!r}: {text}" for name, text in variables.items()) + "}"

    def layer_name(self, path: PathText) -> str:
        """The expression of the name of a layer at a path."""
        return str(path)

    def layer_at(self, model: str, name: str) -> str:
        """A model's layer of a name; both are expressions."""
        raise TypeError("a target says how layers are found")

    def layer_inside(self, writer: ClassWriter, model: str, name: str) -> str:
        """A layer of a name anywhere in a model, in the models inside it too."""
        raise TypeError("a target says how layers are found")

    def elsewhere(self, writer: ClassWriter, layer: str) -> str:
        """What calls a layer of another graph."""
        del writer
        return layer

    def with_others(
        self, context: FunctionContext, constructor: str, arguments: str
    ) -> tuple[str, str]:
        """What makes a layer some of whose weights are other layers', and what it is called on."""
        raise TypeError("a target says how layers share weights")

    def size(self, tensor: str, axis: int) -> str:
        """The size of an axis, when a layer runs."""
        raise TypeError("a target says how sizes are read")

    def for_sizes(self, writer: FunctionWriter, code: str) -> str:
        """An expression of sizes in a layer, where they may be tensors."""
        return code

    def layer_class(self, module: FunctionModule, name: str, method: Function, doc: str) -> Class:
        """A layer's class with one method."""
        raise TypeError("a target says what a layer is")

    def shared(self, writer: FunctionWriter, call: str) -> str:
        """A block's call made a layer, which several calls share."""
        raise TypeError("a target says how blocks are shared")

    def shared_rounds(self, writer: FunctionWriter, call: str) -> str:
        """The same of a block that each of its calls gives other numbers."""
        raise TypeError("a target says how blocks are shared")
