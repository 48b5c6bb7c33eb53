"""Functions of `train.py` beside its trainer: states, what is frozen, 16 bits, draws, devices.

They are taken from here by name. See `dslc.emit.template`.
"""

# Trees of arrays have no types that a checker could follow.
# pyright: reportUnknownLambdaType=false

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from dslc.train.runtime.data import random_keys
from dslc.train.runtime.initial import matches

AXES = False  # whether the optimiser treats matrices otherwise than vectors
EAGER = False  # whether nothing is compiled
FREEZES = True  # whether some of the model is not trained

FROZEN = ["head.bias"]
THAWED = {"head.bias": 1}
HALF = jnp.bfloat16
Portable = dict[str, np.ndarray]


def restored(
    state: Any, places: Mapping[str, tuple[int, str]], kept: Portable, names: Sequence[str]
) -> Any:
    """The state of a chain of optimisers with what a checkpoint kept."""
    states = list(state)
    for kind, (place, field) in places.items():
        if AXES:
            found = (kept.get(f"{kind}.{name}") for name in names)
            leaves = [None if array is None else jnp.asarray(array) for array in found]
        else:
            leaves = [jnp.asarray(kept[f"{kind}.{name}"]) for name in names]
        states[place] = states[place]._replace(**{field: leaves})
    return tuple(states)


def counted(state: Any, done: int) -> Any:
    """The state of a chain of optimisers after a number of steps."""
    count = jnp.asarray(done, jnp.int32)
    return tuple(s._replace(count=count) if "count" in s._fields else s for s in state)


def keep_statistics(model: nnx.Module) -> None:
    """Keeps frozen norms to their running statistics or estimates."""
    for path, module in nnx.iter_modules(model):
        statistics = ".".join([*map(str, path), "running_mean"])
        has_own = any(isinstance(item, nnx.BatchStat) for item in vars(module).values())
        if has_own and matches(FROZEN, statistics):
            module.eval()


def reordered(
    adapters: Mapping[str, np.ndarray], orders: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Adapters with their inputs in the order in which the model has them."""
    found = dict(adapters)
    for name, order in orders.items():
        if f"{name}.lora_a" in found:
            found[f"{name}.lora_a"] = found[f"{name}.lora_a"][:, order]
    return found


def thaw_statistics(model: nnx.Module, epoch: int) -> None:
    """Keeps norms to their statistics or estimates that are frozen in an epoch, and no others."""
    model.train()
    for path, module in nnx.iter_modules(model):
        thaws = thawed_at(".".join([*map(str, path), "running_mean"]))
        has_own = any(isinstance(item, nnx.BatchStat) for item in vars(module).values())
        if has_own and epoch < thaws:
            module.eval()


def thawed_at(name: str) -> float:
    """The epoch from which on a weight moves."""
    if FREEZES and matches(FROZEN, name):
        return math.inf
    return next((epoch for glob, epoch in THAWED.items() if matches([glob], name)), 0)


def chosen(new: Any, old: Any, moves: Sequence[bool]) -> Any:
    """The state of an optimiser, of weights that do not move as it was."""

    def choose(new: Any, old: Any) -> Any:
        if not isinstance(new, list):
            return new
        return [n if move else o for n, o, move in zip(new, old, moves, strict=True)]  # pyright: ignore

    return jax.tree.map(choose, new, old, is_leaf=lambda part: isinstance(part, list))


def seed_draws(model: nnx.Module, seed: int) -> None:
    """Gives all that draws in a model its key, from the seed and its path."""
    parts: dict[tuple[Any, ...], Any] = dict(nnx.iter_modules(model))
    for path, part in parts.items():
        if hasattr(part, "bits"):
            name = ".".join(map(str, path)).removesuffix(".dropout")
            part.key.set_value(jnp.uint32(int(random_keys(1, seed, name)[0]) >> 33))


def use_device(name: str) -> None:
    """Computes on a device from now on; float32 means float32 there."""
    if name != "auto":
        jax.config.update("jax_default_device", jax.devices(name)[0])
    jax.config.update("jax_default_matmul_precision", "highest")
    if EAGER:
        jax.config.update("jax_disable_jit", True)


def in_half(model: Callable[..., Any]) -> Callable[..., Any]:
    """A model that computes in numbers of 16 bits; what it gives is in float32."""

    def cast(value: Any, dtype: Any) -> Any:
        return value.astype(dtype) if jnp.issubdtype(value.dtype, jnp.floating) else value

    def run(*inputs: Array) -> Any:
        outputs = model(*(cast(value, HALF) for value in inputs))
        return jax.tree.map(partial(cast, dtype=jnp.float32), outputs)

    return run
