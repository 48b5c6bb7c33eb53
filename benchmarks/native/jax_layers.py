"""JAX's part of `ops.py`: Flax's own layers, a forward pass, a training step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from dslc.emit.loading import load_module
from dslc.tools.backends import find_backend

CHANNELS_LAST = True
RATE = 1e-4
EXACT: Any = {"use_fast_variance": False}
"""Norms compute the variance as ours do: the fast one cancels, by up to 1.0, where data have an offset."""


class Attention(nnx.MultiHeadAttention):
    """Flax's attention of a sequence to itself."""

    def __init__(self) -> None:
        super().__init__(8, 256, decode=False, rngs=nnx.Rngs(0))


class Function(nnx.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[jax.Array], jax.Array]) -> None:
        self.function = function

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.function(x)


def recurrent(cell: Any) -> nnx.Module:
    """Flax's recurrent layer of a cell."""
    return nnx.RNN(cell(256, 128, rngs=nnx.Rngs(0)))


NATIVE: dict[str, Callable[[], nnx.Module]] = {
    "conv2d": lambda: nnx.Conv(32, 64, (3, 3), padding=1, rngs=nnx.Rngs(0)),
    "depthwise_conv2d": lambda: nnx.Conv(
        32, 32, (3, 3), padding=1, feature_group_count=32, rngs=nnx.Rngs(0)
    ),
    "conv_transpose2d": lambda: nnx.ConvTranspose(
        32, 32, (2, 2), (2, 2), padding="VALID", rngs=nnx.Rngs(0)
    ),
    "batch_norm": lambda: nnx.BatchNorm(32, **EXACT, rngs=nnx.Rngs(0)),
    "group_norm": lambda: nnx.GroupNorm(32, 8, **EXACT, rngs=nnx.Rngs(0)),
    "max_pool2d": lambda: Function(lambda x: nnx.max_pool(x, (2, 2), (2, 2))),
    "avg_pool2d": lambda: Function(lambda x: nnx.avg_pool(x, (2, 2), (2, 2))),
    "linear": lambda: nnx.Linear(256, 512, rngs=nnx.Rngs(0)),
    "layer_norm": lambda: nnx.LayerNorm(256, **EXACT, rngs=nnx.Rngs(0)),
    "rms_norm": lambda: nnx.RMSNorm(256, rngs=nnx.Rngs(0)),
    "gelu": lambda: Function(lambda x: nnx.gelu(x, approximate=False)),
    "softmax": lambda: Function(nnx.softmax),
    "multi_head_attention": Attention,
    "lstm": lambda: recurrent(nnx.OptimizedLSTMCell),
    "gru": lambda: recurrent(nnx.GRUCell),
    "embedding": lambda: nnx.Embed(1000, 256, rngs=nnx.Rngs(0)),
}


def emitted(checked: Any) -> nnx.Module:
    """The module of a spec, in JAX's own layout where it has one."""
    module = load_module(find_backend("jax").model_source(checked), "model").Net
    try:
        return module(io_layout="native", rngs=nnx.Rngs(0))
    except TypeError:
        return module(
            **({"rngs": nnx.Rngs(0)} if "rngs" in module.__init__.__annotations__ else {})
        )


def first(found: Any) -> jax.Array:
    """The value of a model, whatever else it gives."""
    return found[0] if isinstance(found, tuple) else found


def forward(model: nnx.Module, x: Any) -> Callable[[], Any]:
    """A compiled pass."""
    model.eval()
    definition, state = nnx.split(model)
    call = jax.jit(lambda state, x: first(nnx.merge(definition, state)(x)))
    given = jnp.asarray(x)
    return lambda: jax.block_until_ready(call(state, given))


def step(model: nnx.Module, x: Any) -> Callable[[], Any]:
    """A compiled training step, of the input too where it has a gradient."""
    model.train()
    definition, weights, rest = nnx.split(model, nnx.Param, ...)
    given = jnp.asarray(x)
    is_float = jnp.issubdtype(given.dtype, jnp.floating)

    def loss(weights: Any, x: jax.Array, rest: Any) -> tuple[jax.Array, Any]:
        model = nnx.merge(definition, weights, rest, copy=True)
        value = jnp.square(first(model(x))).mean()
        return value, nnx.split(model, nnx.Param, ...)[2]

    @jax.jit
    def move(weights: Any, x: jax.Array, rest: Any) -> Any:
        of = (0, 1) if is_float else (0,)
        gradients, rest = jax.grad(loss, of, has_aux=True)(weights, x, rest)
        moved = jax.tree.map(lambda w, g: w - RATE * g, weights, gradients[0])
        return moved, rest, gradients[1:]

    return lambda: jax.block_until_ready(move(weights, given, rest))
