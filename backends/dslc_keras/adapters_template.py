"""The template of what a `train.py` with adapters of low rank has beside the rest, itself a program.

See `training_template.py`, whose class gets these methods.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false
# pyright: reportOptionalOperand=false, reportReturnType=false, reportCallIssue=false

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from dslc.train.runtime.data import Array
from dslc.train.runtime.initial import matches
from dslc.train.runtime.weights import match
from dslc_keras.parts_template import reordered
from dslc_keras.runtime.portable import inputs_of, places
from dslc_keras.training_template import RECOMPUTES, Trainer

LORA = ["head.weight"]
SCALE = 2.0
make_adapters: Any = None  # see `script_template.py`


class AdaptedTrainer(Trainer):
    """The model with its optimiser, and what is compiled for them."""

    def add_adapters(self, seed: int) -> list[keras.Variable]:
        """Makes the adapters, whose names are further ones."""
        found = {name: place for name, place in places(self.model).items() if matches(LORA, name)}
        orders = {name: inputs_of(place) for name, place in found.items()}
        adapters = reordered(make_adapters(self.shapes, seed), orders)
        self.adapters = {name: keras.Variable(array) for name, array in adapters.items()}
        self.adapts = {name: place.variable for name, place in found.items()}
        self.names += self.adapters
        return list(self.adapters.values())

    def sums(self) -> list[tuple[keras.Variable, tf.Tensor]]:
        """Each weight that is adapted, and it with what its adapters add."""
        found: list[tuple[keras.Variable, tf.Tensor]] = []
        for name, weight in self.adapts.items():
            a, b = (self.adapters[f"{name}.lora_{part}"].value for part in "ab")
            change = tf.transpose(SCALE * b @ a)  # kernels are [in, out]
            found.append((weight, weight.value + tf.reshape(change, weight.shape)))
        return found

    def adapted(self, inputs: Any, training: bool) -> Any:
        """What the model gives with its adapters."""
        with keras.StatelessScope(state_mapping=self.sums()) as scope:
            if RECOMPUTES:
                outputs = self.recomputing(inputs, training=training)
            else:
                outputs = self.model(inputs, training=training)
        weights = {id(weight) for weight in self.adapts.values()}
        for variable in self.model.non_trainable_variables:
            value = scope.get_current_value(variable)
            # a statistic, or a count of draws
            if value is not None and id(variable) not in weights:
                variable.assign(value)
        return outputs

    def adapted_weights(self) -> dict[str, Array]:
        """The weights, those that are adapted with what their adapters add."""
        own = [(variable, tf.identity(variable.value)) for variable in self.adapts.values()]
        for variable, value in self.sums():
            variable.assign(value)
        found = self.weights()
        for variable, value in own:
            variable.assign(value)
        return found

    def kept_adapters(self) -> dict[str, Array]:
        """The adapters, as the model lays them out."""
        return {name: adapter.numpy() for name, adapter in self.adapters.items()}

    def restore_adapters(self, arrays: Mapping[str, Array], source: str) -> None:
        """Goes back to the adapters of a checkpoint."""
        shapes = {name: tuple(adapter.shape) for name, adapter in self.adapters.items()}
        found = match(arrays, shapes, source=source)
        for name, adapter in self.adapters.items():
            adapter.assign(found[name])
