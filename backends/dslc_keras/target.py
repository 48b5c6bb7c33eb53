"""The words of Keras: functions over symbolic tensors, native layers called by their paths."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from dslc.emit.flow import listed
from dslc.emit.functions_target import FunctionTarget
from dslc.emit.python import Class, If, Line
from dslc.emit.shapes import boundary_layout
from dslc.ir.dims import text_of
from dslc.ir.graph import Residual
from dslc.ir.walk import regions
from dslc.ops.tensor import Flatten, Transpose
from dslc.passes.run_order import InOrder
from dslc.values import is_integer
from dslc_keras.broadcasting import stretch
from dslc_keras.dtypes import DTYPES
from dslc_keras.facts import check_facts
from dslc_keras.layers import dtype_of
from dslc_keras.naming import own_name
from dslc_keras.rules import RULES
from dslc_keras.scans import scan, stacked
from dslc_keras.survey import Survey
from dslc_keras.ties import with_others

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.emit.classes import ClassWriter
    from dslc.emit.context import OpContext
    from dslc.emit.flow import Value
    from dslc.emit.formal import Formal, FormalStep
    from dslc.emit.functions import FunctionModule, FunctionWriter
    from dslc.emit.functions_body import FunctionBody
    from dslc.emit.functions_context import FunctionContext
    from dslc.emit.functions_names import PathText
    from dslc.emit.python import Function, Statement
    from dslc.emit.scans import ScanText
    from dslc.ir.types import TensorType

HOLDERS = frozenset(("Tied", "WeightOf", "Elsewhere"))
"""The helpers that call layers of other graphs, or read their weights."""


@final
class KerasTarget(FunctionTarget):
    """Functions that build a functional model, channels last inside."""

    name = "keras"
    tensor = "KerasTensor"
    model = "keras.Model"
    separator = "-"  # Keras refuses "/", and its PyTorch backend "."
    imports = (
        "import keras",
        "from keras import KerasTensor",
        "from keras import layers",
        "from keras import ops",
    )
    helpers = (
        Path(__file__).with_name("helpers.py"),
        Path(__file__).with_name("helpers_images.py"),
        Path(__file__).with_name("helpers_resizing.py"),
        Path(__file__).with_name("helpers_scan.py"),
        Path(__file__).with_name("helpers_ties.py"),
        Path(__file__).with_name("helpers_attention.py"),
        Path(__file__).with_name("helpers_losses.py"),
        Path(__file__).with_name("helpers_recurrent.py"),
        Path(__file__).with_name("helpers_seeded.py"),
        Path(__file__).with_name("helpers_normed.py"),
        Path(__file__).with_name("helpers_chance.py"),
        Path(__file__).with_name("helpers_lookup.py"),
        Path(__file__).with_name("helpers_measures.py"),
        Path(__file__).with_name("helpers_graph.py"),
        Path(__file__).with_name("helpers_boxes.py"),
        Path(__file__).with_name("helpers_regions.py"),
        Path(__file__).with_name("helpers_mixture.py"),
        Path(__file__).with_name("helpers_sampling.py"),
        Path(__file__).with_name("helpers_values.py"),
        Path(__file__).with_name("helpers_shapes.py"),
    )
    channels_last = True
    any_layout = (Flatten, InOrder, Transpose)
    seeded = MappingProxyType({"layers.Dropout": "SeededDropout"})
    dtypes = MappingProxyType({"i64": "i32"})
    rules = RULES

    def __init__(self, io_layout: str = "spec", clashing: frozenset[str] = frozenset()) -> None:
        self.io_layout = io_layout
        self.clashing = clashing
        self.uses = Survey((), {})

    def prepare(self, context: OpContext) -> None:
        stretch(context)

    def survey(self, module: FunctionModule, formals: Sequence[Formal]) -> None:
        self.uses = Survey(formals, module.ties.lent)
        module.names.reserve(*self.uses.names())

    def finish(self, module: FunctionModule) -> None:
        if "shared" in module.helpers and HOLDERS & module.helpers.keys():
            module.helper("Part")
            text = module.helpers["shared"]
            module.helpers["shared"] = text.replace("return keras.Model(", "return Part(")

    def enter(
        self, writer: FunctionWriter, name: str, variable: str, stream: str
    ) -> tuple[list[Statement], str]:
        if boundary_layout(self, writer.formal.inputs[name]) == "spec":
            return [Line(f"{variable} = {self.input(writer, name, 'spec')}")], variable
        if writer.function_body.is_part:
            return [Line(f"{variable} = {self.input(writer, name, 'native')}")], variable
        type = writer.formal.inputs[name]
        turned = [
            Line(f"{variable} = {self.input(writer, name, 'spec')}"),
            Line(f"{stream} = {self.to_last(variable, type)}"),
        ]
        as_is = Line(f"{variable} = {stream} = {self.input(writer, name, 'native')}")
        return [If(f'{writer.io_layout()} == "spec"', turned, [as_is])], stream

    def input(self, writer: FunctionWriter, name: str, layout: str) -> str:
        """The expression that makes one of the model's inputs."""
        type, known = writer.formal.inputs[name], writer.formal.instances[0].inputs[name]
        texts = [
            text_of(dim, writer.constructor_name) if is_integer(size) else "None"
            for dim, size in zip(type.shape, known.shape, strict=True)
        ]
        if layout == "native":
            texts = [texts[0], *texts[2:], texts[1]]
        free = bool(texts) and texts[0] == "None"
        shape = "".join(f"{text}, " for text in (texts[1:] if free else texts))
        options = "" if type.dtype == "f32" else f', dtype="{DTYPES[type.dtype]}"'
        name = repr(own_name(name, self.clashing))
        return f"keras.Input({'' if free else 'batch_shape='}({shape}){options}, name={name})"

    def check_facts(self, body: FunctionBody) -> None:
        check_facts(body)

    def leave(self, writer: FunctionWriter, value: Value) -> list[Statement]:
        is_last = value.layout == "last"
        turn = self.to_spec if is_last else self.to_last
        turned = Line(f"{value.text} = {turn(value.text, value.type)}")
        if writer.function_body.is_part:
            return [] if is_last else [turned]
        return [If(f'{writer.io_layout()} == "{"spec" if is_last else "native"}"', [turned])]

    def model_of(
        self, writer: FunctionWriter, inputs: dict[str, str], outputs: dict[str, str]
    ) -> str:
        parts = [self.one_or_named(inputs), self.one_or_named(outputs)]
        module = writer.formal.module
        is_part = writer.function_body.is_part
        name = module.place.replace(".", "_") if is_part else module.name
        return f"keras.Model({', '.join(parts)}, name={name!r})"

    def layer_name(self, path: PathText) -> str:
        text = str(path)
        name = text.strip("'")
        return repr(own_name(name, self.clashing)) if name in self.clashing else text

    def layer_at(self, model: str, name: str) -> str:
        return f"{model}.get_layer({name})"

    def layer_inside(self, writer: ClassWriter, model: str, name: str) -> str:
        return f"{writer.module.helper('layer_named')}({model}, {name})"

    def elsewhere(self, writer: ClassWriter, layer: str) -> str:
        return f"{writer.module.helper('Elsewhere')}({layer})"

    def with_others(
        self, context: FunctionContext, constructor: str, arguments: str
    ) -> tuple[str, str]:
        return with_others(context, constructor, arguments)

    def size(self, tensor: str, axis: int) -> str:
        return f"ops.shape({tensor})[{axis}]"

    def for_sizes(self, writer: FunctionWriter, code: str) -> str:
        for function, helper in (("min", "least"), ("max", "greatest")):
            if re.search(rf"\b{function}\(", code):
                code = re.sub(rf"\b{function}\(", f"{writer.module.helper(helper)}(", code)
        return code

    def layer_class(self, module: FunctionModule, name: str, method: Function, doc: str) -> Class:
        package = f'keras.saving.register_keras_serializable(package="{module.program.name}")'
        return Class(name, ["layers.Layer"], doc, [method], [package])

    def shared(self, writer: FunctionWriter, call: str) -> str:
        return f"{writer.module.helper('shared')}({call})"

    def shared_rounds(self, writer: FunctionWriter, call: str) -> str:
        return f"{writer.module.helper('SharedRounds')}({call})"

    def joined(
        self, way: str, texts: list[str], found: FormalStep, writer: ClassWriter, layout: str
    ) -> str | dict[str, str]:
        results = [body.result for body in regions(found.step.action)]
        types = [writer.formal.values[ref.owner, ref.slot] for ref in results]
        alike = isinstance(found.step.action, Residual)
        alike = alike or all(type.shape == types[0].shape for type in types)
        if not any(type.rank for type in types):  # a layer that merges needs an axis
            return super().joined(way, texts, found, writer, layout)
        if way in ("add", "mul") and alike:
            layer = {"add": "Add", "mul": "Multiply"}[way]
            return f"layers.{layer}({dtype_of(types[0])})({listed(texts)})"
        if way == "add":
            return reduce(lambda x, y: f"{writer.module.helper('add')}({x}, {y})", texts)
        return super().joined(way, texts, found, writer, layout)

    def concatenated(self, texts: list[str], axis: str) -> str:
        return f"ops.concatenate({listed(texts)}, axis={axis})"

    def scan(self, writer: ClassWriter, text: ScanText) -> list[Statement]:
        return scan(writer, text)

    def stacked_rounds(self, text: ScanText) -> str:
        return stacked(text)

    def stacked(self, texts: list[str], axis: str) -> str:
        return f"ops.stack({listed(texts)}, axis={axis})"

    def to_last(self, text: str, type: TensorType) -> str:
        return permuted(text, (*range(2, type.rank), 1), type)

    def to_spec(self, text: str, type: TensorType) -> str:
        return permuted(text, (type.rank - 1, *range(1, type.rank - 1)), type)

    def layer_options(self, *types: TensorType) -> str:
        return dtype_of(*types)


def permuted(text: str, order: tuple[int, ...], type: TensorType) -> str:
    """A value with its axes in another order, each counted from 1 behind the rows."""
    places = "".join(f"{k}, " for k in order)
    options = [f"({places})", dtype_of(type)]
    return f"layers.Permute({', '.join(option for option in options if option)})({text})"
