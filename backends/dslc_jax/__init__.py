"""The JAX backend: Flax NNX modules that compute with channels last."""

from __future__ import annotations

from dslc_jax.project import backend

__all__ = ["backend"]
