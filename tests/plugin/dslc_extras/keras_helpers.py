"""Copied into generated Keras modules word for word."""

from typing import Any

import keras
from keras import KerasTensor, layers, ops


def scaled_tanh(x: KerasTensor, scale: float, slope: float) -> KerasTensor:
    """`scale * tanh(slope * x)`, dense: a product with a number is sparse to Keras."""
    return ops.convert_to_tensor(scale * ops.tanh(slope * x), sparse=False)


@keras.saving.register_keras_serializable(package="dslc")
class LowRank(layers.Layer):
    """A linear map through `rank` values."""

    portable = ("down", "up")

    def __init__(self, out: int, rank: int, **options: Any) -> None:
        super().__init__(**options)
        self.out, self.rank = out, rank

    def build(self, shape: tuple[int | None, ...]) -> None:
        normal = keras.initializers.RandomNormal(stddev=0.1)
        self.down = self.add_weight((self.rank, shape[-1]), normal, name="down")
        self.up = self.add_weight((self.out, self.rank), normal, name="up")

    def call(self, x: KerasTensor) -> KerasTensor:
        return x @ ops.transpose(self.down) @ ops.transpose(self.up)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "out": self.out, "rank": self.rank}
