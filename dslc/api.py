"""The Python API: a checked spec as an object.

import dslc

net = dslc.load("net.yaml", classes=10)
net.outputs["logits"].type  # f32[N, 10]
model = net.torch()  # a torch.nn.Module
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, final

from dslc.diagnostics import Report, SpecError
from dslc.limits import DEFAULT_LIMITS
from dslc.loader import FolderLoader, ZooLoader
from dslc.passes.pipeline import check_source
from dslc.source import Source, Span, read_source
from dslc.syntax.tree import Scalar, Sequence
from dslc.values import is_list

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType
    from dslc.passes.pipeline import Checked
    from dslc.syntax.tree import Node
    from dslc.tools.summary import Summary


@final
class Port:
    """An input or output of a net.

    Attributes:
        name: As the spec has it.
        type: Its dtype and shape; sizes are integers or expressions in the spec's symbols.
    """

    __slots__ = ("name", "type")

    def __init__(self, name: str, type: TensorType) -> None:
        self.name = name
        self.type = type

    def __repr__(self) -> str:
        return f"{self.name}: {self.type}"


@final
class Net:
    """A spec that has been checked: every step is legal for every size that its facts allow.

    Attributes:
        checked: What the compiler knows: the program, its instances, its facts.
        inputs: The inputs by name.
        outputs: The outputs by name; the first is the net's value.

    Of a spec with several models these are its main one's. Where it names none, they are those of
    all models, each behind its model's name: `actor_state`. `models` has each by itself.
    """

    __slots__ = ("checked", "inputs", "outputs")

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        found = checked.form.instance
        self.inputs = {name: Port(name, type) for name, type in found.inputs.items()}
        self.outputs = {name: Port(name, type) for name, type in found.outputs.items()}

    @property
    def name(self) -> str:
        """The spec's name; of one of several models by itself, the model's."""
        program = self.checked.program
        return program.name if self.checked.whole is None else program.chosen or program.name

    @property
    def models(self) -> dict[str, Net]:
        """Each of the spec's models by itself, by its name; of a spec that is one model, that one.

        Each holds the models that it needs, and its weights have the names of the spec's file.
        """
        return {name: Net(self.checked.of(name)) for name in self.checked.program.models}

    def check(self) -> tuple[str, ...]:
        """The facts under which every step has been shown to be legal, as `H % 32 == 0`."""
        return self.checked.constraints

    def summary(self, **sizes: DimLike) -> Summary:
        """Layers, parameters, FLOPs and memory, of several models the main one's or all.

        Args:
            **sizes: Numbers for symbols, as `N=1, H=224`; the others stay symbolic.
        """
        from dslc.tools.summary import Summary

        return Summary(self.checked.chosen, sizes)

    def torch(self) -> Any:
        """The model as a `torch.nn.Module`, run from the source that `dslc build` writes.

        Of a spec with several models, what holds them all: each is an attribute (`agent.actor`), and
        a call is the main one's, or where there is none runs all of them.

        Raises:
            MissingBackendError: PyTorch is not installed.
        """
        return self._load("torch")

    def keras(self) -> Any:
        """The model as a `keras.Model`, run from the source that `dslc build` writes.

        Of a spec with several models, what holds them all: each is a layer
        (`agent.get_layer("actor")`), and a call is the main one's, or where there is none runs all.

        Raises:
            MissingBackendError: Keras or TensorFlow is not installed.
        """
        return self._load("keras")

    def jax(self) -> Any:
        """The model as a `flax.nnx.Module`, run from the source that `dslc build` writes.

        Of a spec with several models it is as in `torch`.

        Raises:
            MissingBackendError: JAX or Flax is not installed.
        """
        return self._load("jax")

    def export_onnx(
        self,
        path: str | os.PathLike[str],
        weights: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        force: bool = False,
        **options: Any,
    ) -> None:
        """Writes an ONNX file, lowered straight from the IR.

        Args:
            path: Where; its name leads to a whole file at all times.
            weights: A safetensors file, arrays by weight path, or None for those that the spec
                starts from: its file's, else the initial values.
            force: Whether a file that exists is replaced.
            **options: The options of the ONNX backend, such as `opset`.

        Raises:
            MissingBackendError: What the ONNX backend needs is not installed.
            WeightsError: The weight file is broken.
        """
        from dslc.tools.backends import find_backend, require
        from dslc.tools.weights import read_weights

        backend = find_backend("onnx")
        require("onnx", backend)
        arrays = weights
        if weights is not None and not hasattr(weights, "keys"):
            arrays = read_weights(weights)  # pyright: ignore[reportArgumentType]
        elif weights is None and self.checked.program.weights is not None:
            from dslc.tools.given_weights import first_weights

            arrays = first_weights(self.checked.chosen)
        backend.save(self.checked.chosen, arrays, path, force=force, **options)

    def _load(self, name: str) -> Any:
        from dslc.tools.backends import find_backend, require

        backend = find_backend(name)
        require(name, backend)
        if (self.checked.whole or self.checked).program.weights is None:
            return backend.load(self.checked)
        from dslc.tools.given_weights import first_weights

        return backend.load(self.checked, weights=first_weights(self.checked))

    def __repr__(self) -> str:
        inputs = ", ".join(map(repr, self.inputs.values()))
        outputs = ", ".join(map(repr, self.outputs.values()))
        return f"{self.name}({inputs}) -> {outputs}"


def load(path: str | os.PathLike[str], **params: object) -> Net:
    """Reads and checks a spec.

    Args:
        path: The YAML file.
        **params: Values for the file's params: numbers, bools, texts, lists of them.

    Raises:
        SpecError: The spec is wrong; `diagnostics` says where and why.
        SourceError: The file cannot be read.
    """
    source = read_source(path)
    report = Report()
    overrides = {name: _node(value, name) for name, value in params.items()}
    loader = FolderLoader(source, DEFAULT_LIMITS)
    checked = check_source(source, report, overrides, DEFAULT_LIMITS, loader)
    if checked is None:
        raise SpecError(report.diagnostics)
    return Net(checked)


def loads(text: str, **params: object) -> Net:
    """Checks a spec given as text; as `load` otherwise.

    A text belongs to no folder, so it imports only specs that ship (`zoo:resnet50`).
    """
    report = Report()
    overrides = {name: _node(value, name) for name, value in params.items()}
    source = Source("<text>", text)
    loader = ZooLoader(DEFAULT_LIMITS)
    checked = check_source(source, report, overrides, DEFAULT_LIMITS, loader)
    if checked is None:
        raise SpecError(report.diagnostics)
    return Net(checked)


def _node(value: object, name: str) -> Node:
    """A Python value as the reader would give it."""
    span = Span(f"the argument {name}", 1, 1, 1, 2)
    if isinstance(value, list):
        value = tuple(cast("list[object]", value))
    if is_list(value):
        return Sequence([_node(item, name) for item in value], span)
    if isinstance(value, bool):
        return Scalar("true" if value else "false", "plain", span)
    if value is None or isinstance(value, int | float):
        return Scalar("null" if value is None else repr(value), "plain", span)
    if isinstance(value, str):
        return Scalar(value, '"', span)
    raise TypeError(
        f"the param {name} is {type(value).__name__}; params are numbers, bools, texts, lists"
    )
