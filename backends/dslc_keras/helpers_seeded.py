"""Helpers that draw the same bits in every framework, put into generated models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

import math
from functools import cache
from statistics import NormalDist
from typing import Any

import keras
from keras import KerasTensor, layers, ops

from dslc_keras.helpers_values import argmax


def mix_bits(x: KerasTensor) -> KerasTensor:
    """Scatters the bits of 32-bit integers (Wellons, lowbias32)."""
    for shift, mask, factor in ((16, 0xFFFF, 0x7FEB352D), (15, 0x1FFFF, -0x7B935975)):
        high = ops.bitwise_and(ops.right_shift(x, shift), mask)
        x = ops.bitwise_xor(x, high) * factor
    return ops.bitwise_xor(x, ops.bitwise_and(ops.right_shift(x, 16), 0xFFFF))


@cache
def normal_table() -> tuple[float, ...]:
    """4096 numbers: the sum of any two, drawn apart, is normal with deviation 1."""
    quantiles = [NormalDist().inv_cdf((k + 0.5) / 4096) for k in range(4096)]
    spread = math.sqrt(2 * sum(q * q for q in quantiles) / 4096)
    return tuple(q / spread for q in quantiles)


class Seeded(layers.Layer):
    """Draws by a key, the number of the call and each place alone: the same in every framework.

    Places count in the spec's order; with `last` the channels of what is drawn are its last axis.
    """

    def __init__(self, *, last: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.last = last
        self.generator = keras.random.SeedGenerator()

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def bits(self, shape: tuple[Any, ...]) -> KerasTensor:
        """Integers of 24 random bits."""
        shape = (shape[0], shape[-1], *shape[1:-1]) if self.last else shape
        key, count = ops.unstack(ops.cast(self.generator.next(), "int32"))
        places = ops.arange(math.prod(shape), dtype="int32")
        found = mix_bits(ops.bitwise_xor(mix_bits(ops.bitwise_xor(places, key)), count))
        found = ops.bitwise_and(ops.right_shift(found, 8), 0xFFFFFF)
        found = ops.reshape(found, shape)
        return ops.moveaxis(found, 1, -1) if self.last else found

    def shares(self, shape: tuple[Any, ...]) -> KerasTensor:
        """Numbers between 0 and 1, both excluded."""
        return (ops.cast(ops.right_shift(self.bits(shape), 1), "float32") + 0.5) * 2.0**-23

    def normal(self, shape: tuple[Any, ...]) -> KerasTensor:
        """Normal numbers."""
        bits, table = self.bits(shape), ops.convert_to_tensor(normal_table(), "float32")
        return ops.take(table, ops.right_shift(bits, 12)) + ops.take(
            table, ops.bitwise_and(bits, 0xFFF)
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **({"last": True} if self.last else {})}


@keras.saving.register_keras_serializable(package="dslc")
class SeededDropout(Seeded):
    """Dropout, in whose mask some axes share a number."""

    def __init__(self, rate: float, broadcast: tuple[int, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        self.rate, self.broadcast = rate, tuple(broadcast)

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        if not (training and self.rate):
            return x
        sizes = enumerate(ops.shape(x))
        stays = self.bits(tuple(1 if k in self.broadcast else size for k, size in sizes))
        return x * (ops.cast(stays >= round(self.rate * 2**24), x.dtype) * (1 / (1 - self.rate)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "broadcast": self.broadcast}


@keras.saving.register_keras_serializable(package="dslc")
class SeededNoise(Seeded):
    """In training adds normal numbers of a standard deviation."""

    def __init__(self, std: float, **options: Any) -> None:
        super().__init__(**options)
        self.std = std

    def call(self, x: KerasTensor, training: bool | None = None) -> KerasTensor:
        if not training:
            return x
        return x + self.std * ops.cast(self.normal(ops.shape(x)), x.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "std": self.std}


@keras.saving.register_keras_serializable(package="dslc")
class SeededNormal(Seeded):
    """Normal numbers of a tensor's shape."""

    def __init__(self, mean: float = 0.0, std: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.mean, self.std = mean, std

    def call(self, x: KerasTensor) -> KerasTensor:
        return self.mean + self.std * self.normal(ops.shape(x))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "std": self.std}


@keras.saving.register_keras_serializable(package="dslc")
class SeededUniform(Seeded):
    """Numbers of a tensor's shape, spread evenly between two bounds."""

    def __init__(self, low: float = 0.0, high: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high = low, high

    def call(self, x: KerasTensor) -> KerasTensor:
        return self.low + (self.high - self.low) * self.shares(ops.shape(x))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable(package="dslc")
class SeededInteger(Seeded):
    """Integers of a tensor's shape, from `low` up to, not including, `high`."""

    def __init__(self, low: int = 0, high: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high = low, high

    def call(self, x: KerasTensor) -> KerasTensor:
        steps = ops.floor(self.shares(ops.shape(x)) * (self.high - self.low))
        return self.low + ops.minimum(ops.cast(steps, "int32"), self.high - self.low - 1)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(x.shape, dtype="int32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high}


@keras.saving.register_keras_serializable(package="dslc")
class SeededCategorical(Seeded):
    """A class for each row of logits, drawn at a temperature; at 0 it is the likeliest."""

    def __init__(self, temperature: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.temperature = temperature

    def call(self, logits: KerasTensor) -> KerasTensor:
        noise = -ops.log(-ops.log(self.shares(ops.shape(logits))))
        return argmax(logits + self.temperature * ops.cast(noise, logits.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}


@keras.saving.register_keras_serializable(package="dslc")
class SeededBernoulli(Seeded):
    """1 with a probability, else 0."""

    def call(self, probability: KerasTensor) -> KerasTensor:
        shares = self.shares(ops.shape(probability))
        return ops.cast(shares < probability, probability.dtype)


@keras.saving.register_keras_serializable(package="dslc")
class SeededReparameterize(Seeded):
    """Normal numbers of a mean and a variance, through which gradients pass."""

    def __init__(self, temperature: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.temperature = temperature

    def call(self, mean: KerasTensor, log_variance: KerasTensor) -> KerasTensor:
        std = ops.exp(log_variance / 2)
        noise = ops.cast(self.normal(ops.shape(mean + std)), mean.dtype)
        return mean + self.temperature * std * noise

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}
