"""Helpers that draw at random, put into generated JAX modules word for word."""

import jax
import jax.numpy as jnp
from jax import Array


def categorical(key: Array, logits: Array, temperature: float = 1.0) -> Array:
    """A class for each row of logits, drawn at a temperature; at 0 it is the likeliest."""
    noise = jax.random.gumbel(key, logits.shape, logits.dtype)
    return (logits + temperature * noise).argmax(-1)


def reparameterize(key: Array, mean: Array, log_variance: Array, temperature: float = 1.0) -> Array:
    """Normal numbers of a mean and a variance, through which gradients pass."""
    std = jnp.exp(log_variance / 2)
    shape = jnp.broadcast_shapes(mean.shape, std.shape)
    return mean + temperature * std * jax.random.normal(key, shape, mean.dtype)
