"""JAX's part of `steps.py`: plain training loops written by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx


class Digits(nnx.Module):
    """A small convolutional network."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(1, 32, (3, 3), use_bias=False, rngs=rngs)
        self.norm1 = nnx.BatchNorm(32, momentum=0.9, rngs=rngs)
        self.conv2 = nnx.Conv(32, 64, (3, 3), use_bias=False, rngs=rngs)
        self.norm2 = nnx.BatchNorm(64, momentum=0.9, rngs=rngs)
        self.hidden = nnx.Linear(256, 128, rngs=rngs)
        self.head = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.max_pool(nnx.relu(self.norm1(self.conv1(x))), (2, 2), (2, 2))
        x = nnx.max_pool(nnx.relu(self.norm2(self.conv2(x))), (2, 2), (2, 2))
        return self.head(nnx.relu(self.hidden(x.reshape(x.shape[0], -1))))


class Text(nnx.Module):
    """An LSTM that reads ids: its inputs are projected in one product before the scan."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.embedding = nnx.Embed(10000, 128, rngs=rngs)
        self.inputs = nnx.Linear(128, 1024, rngs=rngs)
        self.hidden = nnx.Linear(256, 1024, use_bias=False, rngs=rngs)
        self.head = nnx.Linear(256, 4, rngs=rngs)

    def __call__(self, ids: jax.Array) -> jax.Array:
        given = self.inputs(self.embedding(ids)).swapaxes(0, 1)
        weight = self.hidden.kernel[...]

        def cell(state: Any, x: jax.Array) -> tuple[Any, None]:
            h, c = state
            i, f, g, o = jnp.split(x + h @ weight, 4, -1)
            c = nnx.sigmoid(f) * c + nnx.sigmoid(i) * jnp.tanh(g)
            return (nnx.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((ids.shape[0], 256))
        (h, _), _ = jax.lax.scan(cell, (zeros, zeros), given)
        return self.head(h)


MODELS = {"digits": Digits, "text": Text}


def steps(name: str, batches: list[dict[str, Any]]) -> Callable[[], Any]:
    """An epoch: the steps of all batches, the last one's loss read."""
    definition, params, rest = nnx.split(MODELS[name](nnx.Rngs(0)), nnx.Param, ...)
    optimizer = optax.adamw(1e-3, weight_decay=1e-2)
    state = [params, rest, optimizer.init(params)]

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(params: Any, rest: Any, state: Any, x: Any, label: Any) -> Any:
        def loss(params: Any) -> tuple[jax.Array, Any]:
            model = nnx.merge(definition, params, rest, copy=True)
            losses = optax.softmax_cross_entropy_with_integer_labels(model(x), label)
            return losses.mean(), nnx.split(model, nnx.Param, ...)[2]

        (value, rest), gradients = jax.value_and_grad(loss, has_aux=True)(params)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), rest, state, value

    def epoch() -> float:
        loss: Any = np.nan
        for batch in batches:
            *state[:], loss = step(*state, *batch.values())
        return float(loss)

    return epoch
