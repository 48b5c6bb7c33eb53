"""Derivatives of derivatives: a loss of a model's gradient, differentiated in each framework.

The loss is `sum(sin(g + x / 2))` of the gradients `g` of `sum(sin(y + phase))` by the inputs `x`, so
that all that a layer's second derivative consists of counts.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]


def phase(shape: Any) -> Any:
    """Numbers that make every element of an output count differently."""
    return 0.1 * np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)


def by_torch(driver: Any, inputs: Mapping[str, Any], *, training: bool) -> Arrays:
    """In PyTorch, with the kernels that `train.py` chooses."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    tensors = driver.tensors(inputs)
    for name, dtype in driver.inputs.items():
        if dtype is not None:
            tensors[name].requires_grad_()
    moved = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
    with sdpa_kernel(SDPBackend.MATH):
        outputs = driver.run(tensors, training)
    own: Any = {"allow_unused": True, "materialize_grads": True}
    parts = [
        torch.sin(y + torch.tensor(phase(y.shape), dtype=y.dtype)).sum()
        for y in outputs.values()
        if y.requires_grad
    ]
    slopes = torch.autograd.grad(sum(parts), list(moved.values()), create_graph=True, **own)
    total = [torch.sin(g + x / 2).sum() for g, x in zip(slopes, moved.values(), strict=True)]
    sources = {f"input:{name}": tensor for name, tensor in moved.items()}
    sources |= {n: p for n, p in driver.model.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(sum(total), list(sources.values()), **own)
    return {name: value.numpy() for name, value in zip(sources, found, strict=True)}


def by_jax(driver: Any, inputs: Mapping[str, Any], *, training: bool) -> Arrays:
    """In JAX."""
    import jax
    import jax.numpy as jnp
    from dslc_jax.runtime.portable import to_portable
    from flax import nnx

    graph, params, rest = driver.split(training)
    others = driver.arrays(inputs)
    moved = {name: others.pop(name) for name, is_float in driver.inputs.items() if is_float}

    def first(x: dict[str, Any], params: Any) -> Any:
        outputs, _ = driver.pure(graph, params, {**x, **others}, rest)
        floats = [y for y in outputs.values() if jnp.issubdtype(y.dtype, jnp.floating)]
        return sum(jnp.sin(y + phase(y.shape)).sum() for y in floats)

    def second(x: dict[str, Any], params: Any) -> Any:
        slopes = jax.grad(first)(x, params)
        return sum(jnp.sin(slopes[name] + x[name] / 2).sum() for name in x)

    by_input, by_weight = jax.jit(jax.grad(second, argnums=(0, 1)))(moved, params)
    found = dict(to_portable(nnx.merge(graph, by_weight, rest, copy=True)))
    found = {name: array for name, array in found.items() if name in driver.trained}
    return found | {f"input:{name}": np.asarray(array) for name, array in by_input.items()}


def by_keras(driver: Any, inputs: Mapping[str, Any], *, training: bool) -> Arrays:
    """In Keras with TensorFlow."""
    import tensorflow as tf
    from dslc_keras.runtime.portable import places

    tensors = {name: tf.convert_to_tensor(inputs[name]) for name in driver.inputs}
    moved = {name: tensors[name] for name, is_float in driver.inputs.items() if is_float}
    at = {name: place for name, place in places(driver.model).items() if name in driver.trained}
    sources = [*moved.values(), *(place.variable.value for place in at.values())]
    zero: Any = {"unconnected_gradients": "zero"}
    with tf.GradientTape() as outer:
        outer.watch(list(moved.values()))
        with tf.GradientTape() as inner:
            inner.watch(list(moved.values()))
            outputs = driver.named(driver.model(driver.arranged(tensors), training=training))
            floats = [y for y in outputs.values() if y.dtype.is_floating]
            total = sum(tf.reduce_sum(tf.sin(y + phase(y.shape))) for y in floats)
        slopes = inner.gradient(total, list(moved.values()), **zero)
        pairs = zip(slopes, moved.values(), strict=True)
        total = sum(tf.reduce_sum(tf.sin(tf.convert_to_tensor(g) + x / 2)) for g, x in pairs)
    found = [tf.convert_to_tensor(g).numpy() for g in outer.gradient(total, sources, **zero)]
    by_weight = dict(zip(at, found[len(moved) :], strict=True))
    arrays = {name: np.asarray(at[name].save(array)) for name, array in by_weight.items()}
    return arrays | {f"input:{name}": g for name, g in zip(moved, found, strict=False)}


BY: dict[str, Callable[..., Arrays]] = {"torch": by_torch, "jax": by_jax, "keras": by_keras}
