"""Helpers for recurrent layers, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from typing import Any

import keras
from keras import KerasTensor, layers, ops


@keras.saving.register_keras_serializable(package="dslc")
class Within(layers.Layer):
    """Which places of each row its length takes in. [N, T]."""

    def call(self, x: KerasTensor, lengths: KerasTensor) -> KerasTensor:
        return ops.arange(ops.shape(x)[1]) < ops.cast(lengths, "int32")[:, None]


@keras.saving.register_keras_serializable(package="dslc")
class Recurrent(layers.Layer):
    """Recurrent layers, one over the other, each in one direction or both.

    It gives every state of the last layer [N, T, hidden], the last one and, of an LSTM, the last
    cell state [N, hidden]; of both directions, each twice as wide. Behind a row's length are zeros.
    """

    def __init__(
        self,
        kind: str,
        hidden: int,
        depth: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        activation: str = "tanh",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.kind, self.hidden, self.depth, self.bidirectional = kind, hidden, depth, bidirectional
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.activation = activation
        if dropout:
            self.between = layers.Dropout(dropout, dtype=self.dtype_policy, name="between")
        if recurrent_dropout:
            self.state_dropout = layers.Dropout(
                recurrent_dropout, dtype=self.dtype_policy, name="state_dropout"
            )
        self.ways = ["", "_reverse"] if bidirectional else [""]
        # TensorFlow makes no orthogonal matrix of bfloat16
        start = "glorot_uniform" if self.variable_dtype == "bfloat16" else "orthogonal"
        self.parts = {
            f"l{k}{way}": getattr(layers, kind)(
                hidden,
                activation=activation,
                recurrent_dropout=recurrent_dropout,
                recurrent_initializer=start,
                return_sequences=True,
                return_state=True,
                go_backwards=bool(way),
                name=f"l{k}{way}",
                dtype=self.dtype_policy,
            )
            for k in range(depth)
            for way in self.ways
        }

    def build(self, x_shape: tuple[int | None, ...], lengths_shape: Any = None) -> None:
        del lengths_shape
        width = x_shape[2]
        for k in range(self.depth):
            for way in self.ways:
                self.parts[f"l{k}{way}"].build((None, None, width))
            width = self.hidden * len(self.ways)

    def call(
        self, x: KerasTensor, lengths: KerasTensor | None = None, training: bool | None = None
    ) -> tuple[KerasTensor, ...]:
        mask = None
        if lengths is not None:
            mask = ops.arange(ops.shape(x)[1]) < ops.cast(lengths, "int32")[:, None]
        ends: list[Any] = []
        for k in range(self.depth):
            if k and self.dropout:
                x = self.between(x)
            parts = [self.parts[f"l{k}{way}"] for way in self.ways]
            if training and self.recurrent_dropout:
                for part in parts:
                    self.drop_state(part.cell, x)
            found = [part(x, mask=mask) for part in parts]
            ends = [states for _, *states in found]
            x = found[0][0]
            if self.bidirectional:
                x = ops.concatenate([x, ops.flip(found[1][0], axis=1)], axis=-1)
        if mask is not None:
            x = ops.where(mask[:, :, None], x, 0.0)
        return x, *(ops.concatenate(parts, axis=-1) for parts in zip(*ends, strict=True))

    def drop_state(self, cell: Any, x: KerasTensor) -> None:
        """Gives a cell the parts of its state that each gate reads, the same at every step."""
        gates = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "SimpleRNN": (0,)}[self.kind]
        shape = (len(gates), ops.shape(x)[0], self.hidden)
        kept = self.state_dropout(ops.ones(shape, self.compute_dtype))
        masks = [kept[gate] for gate in gates]  # Keras's gates z, r, h are ours in another order
        cell._recurrent_dropout_mask = masks if len(masks) > 1 else masks[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kind": self.kind,
            "hidden": self.hidden,
            "depth": self.depth,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "activation": self.activation,
        }
