"""Helpers for what draws at random, put into generated Keras models word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportGeneralTypeIssues=false, reportIncompatibleMethodOverride=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false
# pyright: reportOptionalSubscript=false, reportReturnType=false, reportArgumentType=false
# pyright: reportAssignmentType=false, reportOperatorIssue=false, reportOptionalIterable=false

from typing import Any

import keras
from keras import KerasTensor, layers, ops

from dslc_keras.helpers_values import argmax


@keras.saving.register_keras_serializable(package="dslc")
class RandomNormal(layers.Layer):
    """Draws normal numbers of a tensor's shape."""

    def __init__(
        self, mean: float = 0.0, std: float = 1.0, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.mean, self.std = mean, std
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(self, x: KerasTensor) -> KerasTensor:
        return keras.random.normal(ops.shape(x), self.mean, self.std, seed=self.generator)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "std": self.std, "seed": self.seed}


@keras.saving.register_keras_serializable(package="dslc")
class RandomUniform(layers.Layer):
    """Draws numbers of a tensor's shape, spread evenly between two bounds."""

    def __init__(
        self, low: float = 0.0, high: float = 1.0, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.low, self.high = low, high
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(self, x: KerasTensor) -> KerasTensor:
        drawn = keras.random.uniform(ops.shape(x), seed=self.generator)
        return self.low + (self.high - self.low) * drawn

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high, "seed": self.seed}


@keras.saving.register_keras_serializable(package="dslc")
class RandomInteger(layers.Layer):
    """Draws integers of a tensor's shape, from `low` up to, not including, `high`."""

    def __init__(
        self, low: int = 0, high: int = 2, seed: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.low, self.high = low, high
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(self, x: KerasTensor) -> KerasTensor:
        shape, seed = ops.shape(x), self.generator
        return keras.random.randint(shape, self.low, self.high, dtype="int32", seed=seed)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        return KerasTensor(x.shape, dtype="int32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high, "seed": self.seed}


@keras.saving.register_keras_serializable(package="dslc")
class Categorical(layers.Layer):
    """A class for each row of logits, drawn at a temperature; at 0 it is the likeliest."""

    def __init__(self, temperature: float = 1.0, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.temperature = temperature
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(self, logits: KerasTensor) -> KerasTensor:
        if not self.temperature:
            return argmax(logits)
        drawn = keras.random.uniform(ops.shape(logits), seed=self.generator)
        return ops.argmax(logits - self.temperature * ops.log(-ops.log(drawn)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature, "seed": self.seed}


@keras.saving.register_keras_serializable(package="dslc")
class Bernoulli(layers.Layer):
    """1 with a probability, else 0."""

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(self, probability: KerasTensor) -> KerasTensor:
        drawn = keras.random.uniform(ops.shape(probability), seed=self.generator)
        return ops.cast(drawn < probability, probability.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="dslc")
class Reparameterize(layers.Layer):
    """Normal numbers of a mean and a variance, through which gradients pass."""

    def __init__(self, temperature: float = 1.0, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.temperature = temperature
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, *_: Any) -> None:
        """Has no weights."""

    def call(self, mean: KerasTensor, log_variance: KerasTensor) -> KerasTensor:
        std = ops.exp(log_variance / 2)
        drawn = keras.random.normal(ops.shape(mean + std), seed=self.generator)
        return mean + self.temperature * std * ops.cast(drawn, mean.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature, "seed": self.seed}
