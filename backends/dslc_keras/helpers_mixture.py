"""Helpers for mixtures of experts, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from typing import Any

import keras
from keras import KerasTensor, layers, ops


def route(logits: KerasTensor, k: int) -> KerasTensor:
    """The softmax over the k largest numbers of each row, 0 at all others."""
    least = ops.top_k(logits, k)[0][..., -1:]
    return ops.softmax(ops.where(logits < least, -math.inf, logits))


def within_capacity(gates: KerasTensor, k: int, capacity: float) -> KerasTensor:
    """The gates of the rows that each expert has room for, which come first; 0 for the others."""
    experts = gates.shape[-1]
    taken = ops.reshape(ops.cast(gates > 0, "int32"), (-1, experts))
    whole, parts = ops.shape(taken)[0] * (k * round(1000 * capacity)), 1000 * experts
    room = ops.cumsum(taken, axis=0) <= (whole + parts - 1) // parts
    return gates * ops.reshape(ops.cast(room, gates.dtype), ops.shape(gates))


@keras.saving.register_keras_serializable(package="dslc")
class MixtureOfExperts(layers.Layer):
    """Small networks side by side, of which each row is given to the k that a router picks.

    f32[..., D] -> f32[..., D], and how unevenly rows are spread, 1 where evenly.
    """

    portable = ("router", "inner", "outer")

    def __init__(
        self,
        experts: int,
        hidden: int,
        k: int = 2,
        capacity: float | None = None,
        activation: Any = "gelu",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.experts, self.hidden, self.k, self.activation = experts, hidden, k, activation
        self.capacity = capacity
        self.function: Any = keras.activations.get(activation)

    def build(self, shape: tuple[int | None, ...]) -> None:
        start, dim = keras.initializers.RandomNormal(stddev=0.02), shape[-1]
        self.router = self.add_weight((self.experts, dim), start, name="router")
        self.inner = self.add_weight((self.experts, self.hidden, dim), start, name="inner")
        self.outer = self.add_weight((self.experts, dim, self.hidden), start, name="outer")

    def call(self, x: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        logits = ops.matmul(x, ops.transpose(self.router))
        gates = whole = route(logits, self.k)
        if self.capacity is not None:
            gates = within_capacity(gates, self.k, self.capacity)
        h = self.function(ops.einsum("...d,ehd->...eh", x, self.inner))
        each = ops.einsum("...eh,edh->...ed", h, self.outer)
        y = ops.sum(each * gates[..., None], axis=-2)
        rows = tuple(range(len(x.shape) - 1))
        share = ops.mean(ops.cast(whole > 0, gates.dtype), axis=rows)
        wanted = ops.mean(ops.softmax(logits), axis=rows)
        return y, ops.sum(share * wanted) * self.experts / self.k

    def get_config(self) -> dict[str, Any]:
        own = {"experts": self.experts, "hidden": self.hidden, "k": self.k}
        own |= {"capacity": self.capacity}
        return {**super().get_config(), **own, "activation": self.activation}
