"""Parts of optimisers that optax has not, or not as the formulas say.

They are taken from here by name. See `dslc.emit.template`.
"""

# Trees of arrays have no types that a checker could follow.
# pyright: reportUnknownLambdaType=false

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax


def scale_by_adam(betas: tuple[float, float], epsilon: float) -> optax.GradientTransformation:
    """Adam as PyTorch computes it: the bias corrections keep all their digits from step 1 on."""
    log1, log2 = math.log(betas[0]), math.log(betas[1])

    def init(params: Any) -> optax.ScaleByAdamState:
        means, squares = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
        return optax.ScaleByAdamState(jnp.zeros((), jnp.int32), means, squares)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.ScaleByAdamState]:
        del params
        count = state.count + 1
        mean = jax.tree.map(lambda m, g: m + (1 - betas[0]) * (g - m), state.mu, updates)
        square = jax.tree.map(lambda v, g: betas[1] * v + (1 - betas[1]) * g * g, state.nu, updates)
        correct1, correct2 = -jnp.expm1(count * log1), -jnp.expm1(count * log2)
        updates = jax.tree.map(
            lambda m, v: m / correct1 / (jnp.sqrt(v / correct2) + epsilon), mean, square
        )
        return updates, optax.ScaleByAdamState(count, mean, square)

    return optax.GradientTransformation(init, update)


def clip_each(most: float) -> optax.GradientTransformation:
    """Scales the gradient of each weight down where its norm is above a bound."""

    def clip(updates: Any, params: Any) -> Any:
        del params
        norms = [jnp.sqrt(jnp.vdot(g, g)) for g in updates]
        return [
            jnp.minimum(1.0, most / (norm + 1e-6)) * g
            for g, norm in zip(updates, norms, strict=True)
        ]

    return optax.stateless(clip)


def add_decays(decays: Sequence[float]) -> optax.GradientTransformation:
    """Adds to each gradient its weight's own share of the weight."""

    def add(updates: Any, params: Any) -> Any:
        return [g + d * w for g, d, w in zip(updates, decays, params, strict=True)]

    return optax.stateless(add)


def scale_each(scales: Sequence[float]) -> optax.GradientTransformation:
    """Multiplies the step of each weight by its own rate's share of the learning rate."""

    def scale(updates: Any, params: Any) -> Any:
        del params
        return [s * update for s, update in zip(scales, updates, strict=True)]

    return optax.stateless(scale)


def clip_by_norm(most: float) -> optax.GradientTransformation:
    """Scales all gradients down together where their norm is above a bound, as PyTorch does."""

    def clip(updates: Any, params: Any) -> Any:
        del params
        norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(updates)))
        scale = jnp.minimum(1.0, most / (norm + 1e-6))
        return jax.tree.map(lambda g: scale * g, updates)

    return optax.stateless(clip)
