"""Functions of `train.py` beside its trainer: draws, what is frozen, 16 bits, a scaled loss, devices.

They are taken from here by name. See `dslc.emit.template`.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportReturnType=false, reportArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from dslc.train.runtime.data import Array, random_keys
from dslc.train.runtime.initial import matches
from dslc_keras.runtime.portable import all_layers, path_of

EAGER = False  # whether nothing is compiled
FREEZES = True  # whether some of the model is not trained
SEEDED = False  # whether what the model draws is the same in every framework

FROZEN = ["nothing"]
THAWED = {"nothing": 1}
LOSS_SCALE = 65536.0
GROWTH = 2000


def keyed_draws(model: keras.Model, seed: int) -> tuple[list[keras.Variable], Any]:
    """The states of all that draws in a model, and their keys, from the seed."""
    if SEEDED:
        found = draws_of(model)
        keys = [int(random_keys(1, seed, name)[0]) >> 33 for name in found]
        return list(found.values()), keys
    else:  # noqa: RET505
        draws = [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]
        return draws, random_keys(len(draws), seed, "draws") >> np.uint64(33)


def draws_of(model: keras.Model) -> dict[str, keras.Variable]:
    """The key and count of all that draws in a model, by its path."""
    found: dict[str, keras.Variable] = {}
    for layer in model.layers:
        inner = layer.step if type(layer).__name__ == "Scan" else layer
        if isinstance(inner, keras.Model):
            found |= draws_of(inner)
            continue
        for part in layer._flatten_layers():
            if hasattr(part, "bits"):
                name = path_of(layer) if part is layer else f"{path_of(layer)}.{part.name}"
                found[name.removesuffix(".dropout")] = part.generator.state
    return found


def keep_statistics(model: keras.Model) -> None:
    """Keeps frozen norms to their running statistics or estimates."""
    for layer in all_layers(model):
        if matches(FROZEN, f"{path_of(layer)}.running_mean"):
            layer.trainable = False


def reordered(adapters: Mapping[str, Array], orders: Mapping[str, Array]) -> dict[str, Array]:
    """Adapters with their inputs in the order in which the model has them."""
    found = dict(adapters)
    for name, order in orders.items():
        if f"{name}.lora_a" in found:
            found[f"{name}.lora_a"] = found[f"{name}.lora_a"][:, order]
    return found


def thaw_statistics(model: keras.Model, epoch: int) -> None:
    """Keeps norms to their statistics or estimates that are frozen in an epoch, and no others."""
    for layer in all_layers(model):
        if hasattr(layer, "moving_mean") or hasattr(layer, "u"):
            layer.trainable = epoch >= thawed_at(f"{path_of(layer)}.running_mean")


def thawed_at(name: str) -> float:
    """The epoch from which on a weight moves."""
    if FREEZES and matches(FROZEN, name):
        return math.inf
    return next((epoch for glob, epoch in THAWED.items() if matches([glob], name)), 0)


def make_scaler(optimizer: Any, variables: list[keras.Variable]) -> Any:
    """What multiplies the loss, so that small gradients are no zeros in float16."""
    scaler = keras.optimizers.LossScaleOptimizer(optimizer, LOSS_SCALE, GROWTH)
    scaler.build(variables)
    return scaler


def scaling_of(scaler: Any) -> dict[str, Array]:
    """What the loss is multiplied by, and for how many steps in a row that was good."""
    found = {"scale": scaler.dynamic_scale, "good": scaler.step_counter}
    return {name: variable.numpy().astype("float32") for name, variable in found.items()}


def restore_scaler(scaler: Any, scale: Array, good: Array) -> None:
    """Goes back to what a checkpoint kept of a scaler."""
    scaler.dynamic_scale.assign(scale)
    scaler.step_counter.assign(int(good))


def in_float32(outputs: Any) -> Any:
    """What a model in mixed precision gives, for the loss."""
    return tf.nest.map_structure(lambda value: ops.cast(value, "float32"), outputs)


def use_device(name: str) -> None:
    """Computes on a device from now on; float32 means float32 there."""
    if keras.backend.backend() != "tensorflow":
        raise SystemExit("train.py runs Keras on TensorFlow: set KERAS_BACKEND=tensorflow")
    if name == "cpu":
        tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if EAGER:
        tf.config.run_functions_eagerly(True)
