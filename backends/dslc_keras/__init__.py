"""The Keras backend: functional models whose blocks are functions over named native layers."""

from __future__ import annotations

from dslc_keras.project import backend

__all__ = ["backend"]
