"""Gradients of a Keras model on each of Keras's backends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Tensors = Mapping[str, Any]
    Run = Callable[[Any, bool], Any]
    Total = Callable[[Tensors, Run], tuple[Any, Tensors]]
    Gradients = tuple[list[Array], dict[str, Array], dict[str, Array]]


def differentiate(
    model: keras.Model,
    total: Total,
    variables: Sequence[keras.Variable],
    inputs: Mapping[str, Array],
    wanted: Sequence[str],
) -> Gradients:
    """The gradients of a number; running statistics move as the model is run.

    Args:
        model: The model.
        total: The number and the model's outputs, from the inputs and a function that runs the
            model on them.
        variables: The variables for which gradients are wanted.
        inputs: The inputs by name.
        wanted: The inputs for which gradients are wanted.

    Returns:
        A gradient for each variable, one for each wanted input by name, and the outputs.
    """
    ways = {"tensorflow": by_tape, "jax": by_jax, "torch": by_autograd}
    return ways[keras.backend.backend()](model, total, variables, inputs, wanted)


def by_tape(
    model: keras.Model,
    total: Total,
    variables: Sequence[keras.Variable],
    inputs: Mapping[str, Array],
    wanted: Sequence[str],
) -> Gradients:
    """TensorFlow."""
    import tensorflow as tf

    tensors = {name: tf.convert_to_tensor(array) for name, array in inputs.items()}
    floats = [tensors[name] for name in wanted]

    def run(x: Any, training: bool) -> Any:
        return model(x, training=training)

    with tf.GradientTape() as tape:
        for tensor in floats:
            tape.watch(tensor)
        value, outputs = total(tensors, run)
    sources = [*(variable.value for variable in variables), *floats]
    found = tape.gradient(value, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    arrays = [to_array(tf.convert_to_tensor(gradient)) for gradient in found]
    by_input = dict(zip(wanted, arrays[len(variables) :], strict=True))
    return arrays[: len(variables)], by_input, as_arrays(outputs)


def by_jax(
    model: keras.Model,
    total: Total,
    variables: Sequence[keras.Variable],
    inputs: Mapping[str, Array],
    wanted: Sequence[str],
) -> Gradients:
    """JAX, where a model's state goes in and out of a function."""
    import jax

    ours = {id(variable): place for place, variable in enumerate(variables)}
    state = [variable.value for variable in model.non_trainable_variables]

    def value(values: list[Any], floats: dict[str, Any]) -> tuple[Any, tuple[Tensors, list[Any]]]:
        after: list[Any] = []
        trained = [
            values[ours[id(v)]] if id(v) in ours else v.value for v in model.trainable_variables
        ]

        def run(x: Any, training: bool) -> Any:
            found, after[:] = model.stateless_call(trained, state, x, training=training)[:2]
            return found

        number, outputs = total({**inputs, **floats}, run)
        return number, (outputs, after)

    floats = {name: jax.numpy.asarray(inputs[name]) for name in wanted}
    both = jax.grad(value, argnums=(0, 1), has_aux=True)
    gradients, (outputs, after) = both([variable.value for variable in variables], floats)
    for variable, array in zip(model.non_trainable_variables, after, strict=True):
        variable.assign(array)
    by_weight, by_input = gradients
    return list(map(to_array, by_weight)), as_arrays(by_input), as_arrays(outputs)


def by_autograd(
    model: keras.Model,
    total: Total,
    variables: Sequence[keras.Variable],
    inputs: Mapping[str, Array],
    wanted: Sequence[str],
) -> Gradients:
    """PyTorch."""
    import torch

    tensors = {name: torch.tensor(array) for name, array in inputs.items()}
    floats = [tensors[name].requires_grad_() for name in wanted]

    def run(x: Any, training: bool) -> Any:
        return model(x, training=training)

    value, outputs = total(tensors, run)
    sources = [*(variable.value for variable in variables), *floats]
    found: list[Any] = list(torch.autograd.grad(value, sources, allow_unused=True))
    arrays = [
        (torch.zeros_like(source) if gradient is None else gradient).detach().cpu().numpy()
        for source, gradient in zip(sources, found, strict=True)
    ]
    by_input = dict(zip(wanted, arrays[len(variables) :], strict=True))
    return arrays[: len(variables)], by_input, as_arrays(outputs)


def as_arrays(tensors: Tensors) -> dict[str, Array]:
    """Tensors as NumPy has them."""
    return {name: to_array(tensor) for name, tensor in tensors.items()}


def to_array(tensor: Any) -> Array:
    """A tensor as an array; NumPy has no bfloat16 of its own."""
    is_short = keras.backend.standardize_dtype(tensor.dtype) == "bfloat16"
    return np.asarray(
        keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32") if is_short else tensor)
    )
