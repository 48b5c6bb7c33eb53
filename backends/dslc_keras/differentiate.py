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
    Total = Callable[[Tensors, Run], Any]
    Gradients = tuple[list[Array], dict[str, Array]]


def differentiate(
    model: keras.Model,
    total: Total,
    variables: Sequence[keras.Variable],
    inputs: Mapping[str, Array],
    wanted: Sequence[str],
) -> Gradients:
    """The gradients of a number.

    Args:
        model: The model.
        total: The number, from the inputs and a function that runs the model on them.
        variables: The variables for which gradients are wanted.
        inputs: The inputs by name.
        wanted: The inputs for which gradients are wanted.

    Returns:
        A gradient for each variable, and one for each wanted input by name.
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
        value = total(tensors, run)
    sources = [*(variable.value for variable in variables), *floats]
    found = tape.gradient(value, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    arrays = [np.asarray(tf.convert_to_tensor(gradient)) for gradient in found]
    return arrays[: len(variables)], dict(zip(wanted, arrays[len(variables) :], strict=True))


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

    def value(values: list[Any], floats: dict[str, Any]) -> Any:
        trained = [
            values[ours[id(v)]] if id(v) in ours else v.value for v in model.trainable_variables
        ]

        def run(x: Any, training: bool) -> Any:
            return model.stateless_call(trained, state, x, training=training)[0]

        return total({**inputs, **floats}, run)

    floats = {name: jax.numpy.asarray(inputs[name]) for name in wanted}
    by_weight, by_input = jax.grad(value, argnums=(0, 1))([v.value for v in variables], floats)
    return list(map(np.asarray, by_weight)), {n: np.asarray(g) for n, g in by_input.items()}


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

    value = total(tensors, run)
    sources = [*(variable.value for variable in variables), *floats]
    found: list[Any] = list(torch.autograd.grad(value, sources, allow_unused=True))
    arrays = [
        (torch.zeros_like(source) if gradient is None else gradient).detach().cpu().numpy()
        for source, gradient in zip(sources, found, strict=True)
    ]
    return arrays[: len(variables)], dict(zip(wanted, arrays[len(variables) :], strict=True))
