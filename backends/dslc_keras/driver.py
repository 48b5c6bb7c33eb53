"""The generated Keras model driven with NumPy arrays, on whichever backend Keras runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import keras
import numpy as np

from dslc.emit.driver import Driver
from dslc.ir.types import FLOATS
from dslc_keras.differentiate import differentiate, to_array
from dslc_keras.dtypes import DTYPES
from dslc_keras.runtime.portable import (
    all_layers,
    load_weights,
    path_of,
    places,
    to_portable,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Array = NDArray[Any]


@contextmanager
def floats(dtype: str) -> Generator[None]:
    """Lets Keras compute in a dtype while a model is made."""
    before = keras.config.floatx()
    keras.config.set_floatx(DTYPES[dtype])
    try:
        yield
    finally:
        keras.config.set_floatx(before)


@final
class KerasDriver(Driver):
    """Runs the model of one spec.

    Args:
        checked: The spec.
        model: The generated model; its inputs and outputs are in `io_layout`.
        io_layout: "spec", or "native" where arrays are to be turned here.
        device: Where it runs, as Keras names it; the model was made there.
    """

    differentiable = True
    layouts = ("spec", "native")

    def __init__(
        self, checked: Checked, model: keras.Model, io_layout: str, device: str = "cpu:0"
    ) -> None:
        self.device = device
        self.model = model
        self.turns = io_layout == "native"
        self.inputs = {name: type.dtype in FLOATS for name, type in checked.instance.inputs.items()}
        self.outputs = [name for name, _ in checked.instance.module.outputs]
        self.trained = {w.path for w in checked.weights() if w.role == "trained" and not w.tied}

    def load(self, weights: Mapping[str, Array]) -> None:
        """Takes the portable weights, all of them."""
        with keras.device(self.device):
            load_weights(self.model, weights)

    def weights(self) -> dict[str, Array]:
        """The portable weights as they are now."""
        return to_portable(self.model)

    def forward(self, inputs: Mapping[str, Array], *, training: bool = False) -> dict[str, Array]:
        """The outputs by name; in training mode the running statistics move."""
        with keras.device(self.device):
            found = self.model(self.given(inputs), training=training)
            return {
                name: to_array(self.to_spec(value)) for name, value in self.named(found).items()
            }

    def forward_and_gradients(
        self,
        inputs: Mapping[str, Array],
        cotangents: Mapping[str, Array],
        *,
        training: bool = False,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Both of one run."""
        at = {name: place for name, place in places(self.model).items() if name in self.trained}
        sources = {name: np.asarray(inputs[name]) for name in self.inputs}

        def total(tensors: Mapping[str, Any], run: Any) -> Any:
            found = self.named(run(self.arranged(tensors), training))
            outputs = {name: self.to_spec(value) for name, value in found.items()}
            parts: list[Any] = [
                keras.ops.sum(outputs[name] * keras.ops.cast(array, outputs[name].dtype))
                for name, array in cotangents.items()
            ]
            wide = keras.backend.result_type(*(part.dtype for part in parts))
            parts = [keras.ops.cast(part, wide) for part in parts]
            return sum(parts[1:], start=parts[0]), outputs

        variables = [place.variable for place in at.values()]
        floats = [name for name, is_float in self.inputs.items() if is_float]
        with keras.device(self.device):
            by_weight, by_input, outputs = differentiate(
                self.model, total, variables, sources, floats
            )
        found = {
            name: np.asarray(place.save(gradient), order="C")
            for (name, place), gradient in zip(at.items(), by_weight, strict=True)
        }
        found |= {f"input:{name}": gradient for name, gradient in by_input.items()}
        return outputs, found

    def epsilons(self) -> dict[str, float]:
        """The epsilon of every normalisation by its path."""
        norms = [layer for layer in all_layers(self.model) if hasattr(layer, "epsilon")]
        return {path_of(layer): layer.epsilon for layer in norms}

    def given(self, inputs: Mapping[str, Array]) -> Any:
        """The inputs as the model takes them."""
        return self.arranged({name: np.asarray(inputs[name]) for name in self.inputs})

    def arranged(self, tensors: Mapping[str, Any]) -> Any:
        """Tensors in the model's layout: one as it is, several by name."""
        turned = {name: self.to_native(tensor) for name, tensor in tensors.items()}
        return turned if len(turned) > 1 else next(iter(turned.values()))

    def named(self, found: Any) -> dict[str, Any]:
        """The model's outputs by name."""
        return found if isinstance(found, dict) else {self.outputs[0]: found}

    def to_native(self, tensor: Any) -> Any:
        """An input as the model takes it."""
        if not self.turns or len(tensor.shape) < 4:
            return tensor
        is_array = isinstance(tensor, np.ndarray)
        return (np if is_array else keras.ops).moveaxis(tensor, 1, -1)

    def to_spec(self, tensor: Any) -> Any:
        """An output of the model in the spec's order."""
        turns = self.turns and len(tensor.shape) > 3
        return keras.ops.moveaxis(tensor, -1, 1) if turns else tensor
