"""The template of what a `train.py` with phases has otherwise, itself a program.

What stands here takes the place of what `training_template.py` has under the same name.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportAttributeAccessIssue=false, reportUnknownArgumentType=false
# pyright: reportRedeclaration=false, reportIncompatibleMethodOverride=false
# pyright: reportUnknownMemberType=false, reportPossiblyUnboundVariable=false
# pyright: reportReturnType=false

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Array, Arrays
from dslc.train.runtime.data_order import pieces
from dslc.train.runtime.weights import match
from dslc_keras.parts_template import (
    make_scaler,
    restore_scaler,
    scaling_of,
    thawed_at,
)
from dslc_keras.training_template import (
    ACCUMULATES,
    AVERAGES,
    AXES,
    CHANCE,
    DRAWS,
    EVERY,
    MOMENTS,
    REGULAR,
    SCALED,
    THAWS,
    Batch,
    Trainer,
    with_draws,
)

MODEL: Any = None  # the models, parts of which may be recomputed
KEPT = {"critic": {"sum": "sums"}}


@dataclass
class Phase:
    """A part of each step: a loss, and an optimiser of the variables that it moves."""

    name: str
    loss_of: Callable[[keras.Model, Batch], tf.Tensor]
    trained: dict[str, keras.Variable]
    optimizer: Any
    if EVERY:
        every: int = 1
    if ACCUMULATES:
        pieces: int = 1
    if REGULAR:
        penalty_of: Callable[[Mapping[str, tf.Tensor]], tf.Tensor] | None = None
    run: Any = None  # a step of it, compiled

    def __post_init__(self) -> None:
        if SCALED:
            self.scaler = make_scaler(self.optimizer, list(self.trained.values()))
        else:
            self.optimizer.build(list(self.trained.values()))


def below(trained: Mapping[str, keras.Variable], *models: str) -> dict[str, keras.Variable]:
    """The variables of some models."""
    return {name: variable for name, variable in trained.items() if name.split(".")[0] in models}


def without(trained: Mapping[str, keras.Variable], *others: str) -> dict[str, keras.Variable]:
    """The variables of all but some models."""
    return {
        name: variable for name, variable in trained.items() if name.split(".")[0] not in others
    }


class PhasedTrainer(Trainer):
    """The models with an optimiser for each phase, and what is compiled for them."""

    phases: list[Phase]

    def train(self, phase: Phase, batch: Batch, rate: tf.Tensor) -> tf.Tensor:
        """What a phase computes."""
        trained = list(phase.trained.values())
        if THAWS:
            trained = [v for k, v in phase.trained.items() if self.epoch >= thawed_at(k)]
        variables, zero = [v.value for v in trained], tf.UnconnectedGradients.ZERO
        if ACCUMULATES:
            loss, gradients = 0.0, [tf.zeros_like(variable) for variable in variables]
            for number, piece in enumerate(pieces(batch, phase.pieces)):
                with tf.GradientTape() as tape:
                    share = phase.loss_of(MODEL, piece) / phase.pieces
                    if REGULAR and phase.penalty_of is not None and number == 0:
                        share += phase.penalty_of({k: v.value for k, v in phase.trained.items()})
                    if SCALED:
                        scaled = phase.scaler.scale_loss(share)
                if SCALED:
                    found = tape.gradient(scaled, variables, unconnected_gradients=zero)
                else:
                    found = tape.gradient(share, variables, unconnected_gradients=zero)
                gradients = [g + more for g, more in zip(gradients, found, strict=True)]
                loss += share
        else:
            with tf.GradientTape() as tape:
                loss = phase.loss_of(MODEL, batch)
                if REGULAR and phase.penalty_of is not None:
                    loss += phase.penalty_of({k: v.value for k, v in phase.trained.items()})
                if SCALED:
                    scaled = phase.scaler.scale_loss(loss)
            if SCALED:
                gradients = tape.gradient(scaled, variables, unconnected_gradients=zero)
            else:
                gradients = tape.gradient(loss, variables, unconnected_gradients=zero)
        phase.optimizer.learning_rate.assign(rate)
        if SCALED:
            phase.scaler.apply([tf.convert_to_tensor(g) for g in gradients], trained)
        else:
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
        if SCALED:
            for phase in self.phases:
                kept = {k: arrays["scaling"][f"{phase.name}.{k}"] for k in ("scale", "good")}
                restore_scaler(phase.scaler, **kept)
        if CHANCE or DRAWS or EVERY:
            self.steps = found.step

    if SCALED:

        def scaling(self) -> dict[str, Array]:
            """What a checkpoint keeps of the scalers."""
            return {
                f"{phase.name}.{key}": array
                for phase in self.phases
                for key, array in scaling_of(phase.scaler).items()
            }
