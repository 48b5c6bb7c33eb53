"""The template of what a `train.py` with phases has otherwise, itself a program.

What stands here takes the place of what `training_template.py` has under the same name.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false
# pyright: reportRedeclaration=false, reportIncompatibleMethodOverride=false
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Array, Arrays
from dslc.train.runtime.weights import match
from dslc_keras.training_template import (
    AVERAGES,
    AXES,
    CHANCE,
    DRAWS,
    EVERY,
    MOMENTS,
    Batch,
    Trainer,
    with_draws,
)

KEPT = {"critic": {"sum": "sums"}}


class Phase:
    """A part of each step: a loss, and an optimiser of the variables that it moves."""

    run: Any  # a step of it, compiled

    if EVERY:

        def __init__(
            self,
            name: str,
            loss_of: Callable[[keras.Model, Batch], tf.Tensor],
            trained: dict[str, keras.Variable],
            optimizer: keras.optimizers.Optimizer,
            every: int = 1,
        ) -> None:
            self.name = name
            self.loss_of = loss_of
            self.trained = trained
            self.optimizer: Any = optimizer
            self.optimizer.build(list(trained.values()))
            self.every = every

    else:

        def __init__(
            self,
            name: str,
            loss_of: Callable[[keras.Model, Batch], tf.Tensor],
            trained: dict[str, keras.Variable],
            optimizer: keras.optimizers.Optimizer,
        ) -> None:
            self.name = name
            self.loss_of = loss_of
            self.trained = trained
            self.optimizer: Any = optimizer
            self.optimizer.build(list(trained.values()))


def below(trained: Mapping[str, keras.Variable], *models: str) -> dict[str, keras.Variable]:
    """The variables of some models."""
    return {name: variable for name, variable in trained.items() if name.split(".")[0] in models}


class PhasedTrainer(Trainer):
    """The models with an optimiser for each phase, and what is compiled for them."""

    phases: list[Phase]

    def train(self, phase: Phase, batch: Batch, rate: tf.Tensor) -> tf.Tensor:
        """What a phase computes."""
        with tf.GradientTape() as tape:
            loss = phase.loss_of(self.model, batch)
        trained = list(phase.trained.values())
        variables, zero = [v.value for v in trained], tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(loss, variables, unconnected_gradients=zero)
        phase.optimizer.learning_rate.assign(rate)
        phase.optimizer.apply([tf.convert_to_tensor(g) for g in gradients], trained)
        return loss

    def step(self, batch: Arrays, rates: Mapping[str, float]) -> dict[str, tf.Tensor]:
        """One step: the phases in turn, each with its loss before its optimiser moved anything."""
        if CHANCE:
            # what a step draws depends on the seed and its number alone
            for state, key in zip(self.draws, self.keys, strict=True):
                state.assign([int(key), 4096 * self.steps % 2**31])
        if DRAWS:
            batch = with_draws(batch, self.seed, self.steps)
        if CHANCE or DRAWS or EVERY:
            self.steps += 1
        if EVERY:
            turn = [phase for phase in self.phases if self.steps % phase.every == 0]
        else:
            turn = self.phases
        if AVERAGES:
            losses = {f"{p.name}_loss": p.run(batch, np.float32(rates[p.name])) for p in turn}
            self.average()
            return losses
        else:  # noqa: RET505
            return {f"{p.name}_loss": p.run(batch, np.float32(rates[p.name])) for p in turn}

    if MOMENTS:

        def moments(self) -> dict[str, Array]:
            """What each optimiser keeps of each weight, as `critic.mean.head.weight`."""
            return {name: variable.numpy() for name, variable in self.kept().items()}

        def kept(self) -> dict[str, Any]:
            """The variables of the optimisers by those names."""
            if AXES:
                return {
                    f"{phase.name}.{kind}.{name}": variable
                    for phase in self.phases
                    for kind, field in KEPT[phase.name].items()
                    for name, variable in zip(
                        phase.trained, getattr(phase.optimizer, field), strict=True
                    )
                    if variable is not None
                }
            else:  # noqa: RET505
                return {
                    f"{phase.name}.{kind}.{name}": variable
                    for phase in self.phases
                    for kind, field in KEPT[phase.name].items()
                    for name, variable in zip(
                        phase.trained, getattr(phase.optimizer, field), strict=True
                    )
                }

    def restore(self, found: Checkpoint) -> None:
        """Goes back to a checkpoint."""
        arrays, source = load_checkpoint(found), str(found.path)
        self.load(arrays["weights"], source)
        if MOMENTS:
            shapes = {name: array.shape for name, array in self.moments().items()}
            moments = match(arrays["optimizer"], shapes, source=source)
            for name, variable in self.kept().items():
                variable.assign(moments[name])
        for phase in self.phases:
            if EVERY:
                phase.optimizer.iterations.assign(found.step // phase.every)
            else:
                phase.optimizer.iterations.assign(found.step)
        if AVERAGES:
            shapes = {name: array.shape for name, array in self.kept_averages().items()}
            averages = match(arrays["averages"], shapes, source=source)
            for name, mean in zip(self.names, self.averages, strict=True):
                mean.assign(averages[name])
        if CHANCE or DRAWS or EVERY:
            self.steps = found.step
