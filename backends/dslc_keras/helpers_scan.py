"""The helper that generated Keras models contain where they scan, word for word."""

# Keras declares no types for its functions: what is inferred is that of all its backends at once.
# pyright: reportReturnType=false, reportArgumentType=false, reportOptionalMemberAccess=false
# pyright: reportGeneralTypeIssues=false, reportOptionalSubscript=false, reportIndexIssue=false

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import KerasTensor, layers, ops


@keras.saving.register_keras_serializable(package="dslc")
class Scan(layers.Layer):
    """Runs a model of one round along the time axis of values, each round's carries into the next.

    The model takes a round's part of each value, the carries, and what every round sees whole; it
    gives what is stacked, if anything, and then the new carries.
    """

    def __init__(
        self,
        step: keras.Model,
        over: int,
        carries: int,
        length: int | None = None,
        reverse: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(autocast=False, **options)
        self.step = step
        self.over, self.carries, self.length, self.reverse = over, carries, length, reverse
        self.stacks = len(step.outputs) - carries

    def call(self, inputs: list[KerasTensor], training: bool | None = None) -> list[KerasTensor]:
        over = [turned(x) for x in inputs[: self.over]]
        start = inputs[self.over : self.over + self.carries]
        around = inputs[self.over + self.carries :]

        def run(carry: list[KerasTensor], parts: list[KerasTensor] | None, **options: Any) -> Any:
            given = [*(parts or []), *carry[self.stacks :], *around]
            found = self.step(given, **options or {"training": training})
            found = list(found) if isinstance(found, (list, tuple)) else [found]
            return found, found

        blank = [None] * self.stacks
        if self.stacks:  # what a round hands out takes a place beside the carries
            first, _ = run([*blank, *start], [x[0] for x in over], training=False)
            blank = [ops.zeros_like(x) for x in first[: self.stacks]]
        last, rounds = ops.scan(
            run, [*blank, *start], over or None, length=self.length, reverse=self.reverse
        )
        return [*(turned(x) for x in rounds[: self.stacks]), *last[self.stacks :]]

    def compute_output_spec(self, inputs: list[KerasTensor], **_: Any) -> list[KerasTensor]:
        time = self.length
        if self.over:
            time = inputs[0].shape[min(1, len(inputs[0].shape) - 1)]
        found = [
            KerasTensor((*x.shape[:1], time, *x.shape[1:]), dtype=x.dtype)
            for x in self.step.outputs[: self.stacks]
        ]
        start = inputs[self.over : self.over + self.carries]
        return [*found, *(KerasTensor(x.shape, dtype=x.dtype) for x in start)]

    def get_config(self) -> dict[str, Any]:
        step: Any = keras.saving.serialize_keras_object(self.step)
        known = {layer.name: id(layer) for layer in self.step.layers}
        for layer in step["config"]["layers"]:
            if layer["name"] in known:  # the same one where it stands elsewhere too
                layer["shared_object_id"] = known[layer["name"]]
        own = {
            "step": step,
            "over": self.over,
            "carries": self.carries,
            "length": self.length,
            "reverse": self.reverse,
        }
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Scan":
        step = keras.saving.deserialize_keras_object(config["step"])
        return cls(**{**config, "step": step})


def turned(x: KerasTensor) -> KerasTensor:
    """A value with its first two axes exchanged; a vector as it is."""
    return ops.swapaxes(x, 0, 1) if len(x.shape) > 1 else x


def scan(
    step: Callable[..., Any],
    over: Sequence[KerasTensor],
    carry: Sequence[KerasTensor],
    around: Sequence[KerasTensor] = (),
    *,
    length: int | None = None,
    reverse: bool = False,
) -> list[KerasTensor]:
    """Runs a function of one round over time: what it hands out, stacked, and the last carries."""
    shapes = [(*x.shape[:1], *x.shape[2:]) if len(x.shape) > 1 else () for x in over]
    given = (*over, *carry, *around)
    shapes += [x.shape for x in given[len(over) :]]
    copies = [
        keras.Input(batch_shape=shape, dtype=x.dtype)
        for shape, x in zip(shapes, given, strict=True)
    ]
    model = keras.Model(copies, step(*copies))
    return Scan(model, len(over), len(carry), length, reverse)(list(given))
