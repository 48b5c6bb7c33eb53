"""The template of `train.py`, itself a program: it trains a linear classifier of wines.

What a spec decides stands above `Trainer` and is written anew for every project; the rest is taken
from here, with the flags decided. See `dslc.emit.template`.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false, reportOptionalOperand=false
# pyright: reportOperatorIssue=false, reportReturnType=false, reportCallIssue=false
# pyright: reportIncompatibleMethodOverride=false, reportPrivateUsage=false
# pyright: reportUnknownLambdaType=false, reportRedeclaration=false
# pyright: reportPossiblyUnboundVariable=false

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Array, Arrays
from dslc.train.runtime.data_order import pieces
from dslc.train.runtime.initial import initial, kaiming_uniform, matches, zeros
from dslc.train.runtime.weights import match
from dslc_keras.optimizers_template import Descent
from dslc_keras.parts_template import (
    FREEZES,
    FROZEN,
    SEEDED,
    THAWED,
    keep_statistics,
    keyed_draws,
    make_scaler,
    restore_scaler,
    scaling_of,
    thaw_statistics,
    thawed_at,
    use_device,
)
from dslc_keras.recompute_template import recompute
from dslc_keras.runtime.portable import axes_of, load_weights, places, to_portable

ADAPTS = False  # whether only adapters of some matrices move
ACCUMULATES = False  # whether a batch is computed in pieces
AXES = False  # whether the optimiser treats matrices otherwise than vectors
AVERAGES = False  # whether a moving average of the weights is kept
CHANCE = True  # whether the model draws random numbers in training
DRAWS = False  # whether the training graph draws random numbers
EVERY = False  # whether a phase passes batches over
KEEPS = False  # whether some weights do not decay
MEASURES = True  # whether rows are held out
MIXED = False  # whether the model computes in numbers of 16 bits
MOMENTS = True  # whether the optimiser keeps something of each weight
PHASED = False  # whether each step has phases
RECOMPUTES = False  # whether some parts are computed once more in the backward pass
REGULAR = False  # whether large weights add to the loss
SCALED = False  # whether the loss is scaled
THAWS = False  # whether weights are frozen at first

INITIAL = [("**.weight", kaiming_uniform()), ("**", zeros())]
LEARNING_RATE = 0.1
ACCUMULATE = 2
EMA = 0.9
KEPT = {"sum": "sums"}

Batch = dict[str, tf.Tensor]


def the_model(*, io_layout: str = "spec") -> keras.Model:
    """Features to classes."""
    del io_layout
    features = keras.Input((13,), name="features")
    return keras.Model(features, layers.Dense(3, name="head")(features))


def loss_of(model: keras.Model, batch: Batch) -> tf.Tensor:
    """What training minimises."""
    scores = ops.log_softmax(model(batch["features"], training=True))
    return -ops.mean(ops.take_along_axis(scores, batch["label"][:, None], axis=-1))


def metrics_of(model: keras.Model, batch: Batch) -> dict[str, tf.Tensor]:
    """The loss and the metrics of a batch."""
    return {"loss": loss_of(model, batch)}


def with_draws(batch: Arrays, seed: int, step: int | str) -> Arrays:
    """A batch with what its step draws."""
    del seed, step
    return batch


def make_optimizer(names: Sequence[str] = (), axes: Mapping[str, Any] | None = None) -> Descent:
    """The optimiser of the trained weights."""
    del names, axes
    return Descent(LEARNING_RATE, 0.9)


def penalty_of(weights: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """What large weights add to the loss."""
    return 0.1 * sum(ops.sum(ops.square(w)) for w in weights.values())


class Trainer:
    """The model with its optimiser, and what is compiled for them."""

    def __init__(self, seed: int, device: str = "auto") -> None:
        use_device(device)
        if MIXED:
            keras.config.set_dtype_policy(POLICY)  # noqa: F821  # pyright: ignore
        self.model = the_model(MADE_OF)  # noqa: F821  # pyright: ignore
        if MIXED:
            keras.config.set_dtype_policy("float32")
        self.shapes = {name: array.shape for name, array in to_portable(self.model).items()}
        if not AVERAGES:
            self.load(initial(self.shapes, INITIAL, seed), "the initial weights")
        if FREEZES and not THAWS:
            keep_statistics(self.model)
        by_variable = {id(place.variable): name for name, place in places(self.model).items()}
        self.trained = self.model.trainable_variables
        if FREEZES:
            self.trained = [v for v in self.trained if not matches(FROZEN, by_variable[id(v)])]
        self.names = [by_variable[id(variable)] for variable in self.trained]
        if ADAPTS:
            self.trained += ADAPTING.add_adapters(seed)
        if AVERAGES:
            self.averages = [tf.Variable(variable.value) for variable in self.trained]
            self.load(initial(self.shapes, INITIAL, seed), "the initial weights")
        if RECOMPUTES:
            self.recomputing = recompute(self.model)
        if PHASED:
            by_name = dict(zip(self.names, self.trained, strict=True))
            if AXES:
                self.phases = make_phases(by_name, axes_of(self.model))
            else:
                self.phases = make_phases(by_name)
            if not THAWS:
                for phase in self.phases:
                    phase.run = tf.function(partial(self.train, phase), jit_compile=XLA)  # noqa: F821  # pyright: ignore
        else:
            self.optimizer = make_optimizer(GIVEN)  # noqa: F821  # pyright: ignore
            if SCALED:
                self.scaler = make_scaler(self.optimizer, self.trained)
            else:
                self.optimizer.build(self.trained)
        if CHANCE:
            self.draws, self.keys = keyed_draws(self.model, seed)
        if DRAWS:
            self.seed = seed
        if CHANCE or DRAWS or EVERY:
            self.steps = 0
        if THAWS:
            self.stage: list[int] | None = None
            self.thaw(0)
        elif not PHASED:
            self.run_step = tf.function(self.train, jit_compile=XLA)  # noqa: F821  # pyright: ignore

    def train(self, batch: Batch, rate: tf.Tensor) -> tf.Tensor:
        """What a step computes."""
        variables, zero = [v.value for v in MOVING], tf.UnconnectedGradients.ZERO
        if ACCUMULATES:
            if REGULAR:
                with tf.GradientTape() as tape:
                    loss = penalty_of(self.by_name())
                    if SCALED:
                        scaled = self.scaler.scale_loss(loss)
                if SCALED:
                    gradients = tape.gradient(scaled, variables, unconnected_gradients=zero)
                else:
                    gradients = tape.gradient(loss, variables, unconnected_gradients=zero)
            else:
                loss, gradients = 0.0, [tf.zeros_like(variable) for variable in variables]
            for piece in pieces(batch, ACCUMULATE):
                with tf.GradientTape() as tape:
                    share = loss_of(MODEL, piece) / ACCUMULATE
                    if SCALED:
                        scaled = self.scaler.scale_loss(share)
                if SCALED:
                    found = tape.gradient(scaled, variables, unconnected_gradients=zero)
                else:
                    found = tape.gradient(share, variables, unconnected_gradients=zero)
                gradients = [g + more for g, more in zip(gradients, found, strict=True)]
                loss += share
        else:
            with tf.GradientTape() as tape:
                loss = loss_of(MODEL, batch)
                if REGULAR:
                    loss += penalty_of(self.by_name())
                if SCALED:
                    scaled = self.scaler.scale_loss(loss)
            if SCALED:
                gradients = tape.gradient(scaled, variables, unconnected_gradients=zero)
            else:
                gradients = tape.gradient(loss, variables, unconnected_gradients=zero)
        self.optimizer.learning_rate.assign(rate)
        if SCALED:
            self.scaler.apply([tf.convert_to_tensor(g) for g in gradients], MOVING)
        else:
            self.optimizer.apply([tf.convert_to_tensor(g) for g in gradients], MOVING)
        if AVERAGES:
            self.average()
        return loss

    if REGULAR:

        def by_name(self) -> dict[str, tf.Tensor]:
            """The trained weights by their names."""
            return dict(zip(self.names, [v.value for v in self.trained], strict=True))

    if THAWS:

        @property
        def moving(self) -> list[keras.Variable]:
            """What is not frozen in this epoch."""
            pairs = zip(self.names, self.trained, strict=True)
            return [variable for name, variable in pairs if self.epoch >= thawed_at(name)]

        def thaw(self, epoch: int) -> None:
            """Lets everything move that is not frozen in an epoch; a new step is compiled for it."""
            self.epoch = epoch
            stage = [at for at in THAWED.values() if at <= epoch]
            if stage == self.stage:
                return
            self.stage = stage
            thaw_statistics(self.model, epoch)
            if PHASED:
                for phase in self.phases:
                    phase.run = tf.function(partial(self.train, phase), jit_compile=XLA)  # noqa: F821  # pyright: ignore
            else:
                self.run_step = tf.function(self.train, jit_compile=XLA)  # noqa: F821  # pyright: ignore

    if AVERAGES:

        def average(self) -> None:
            """Moves the averages towards the weights."""
            for mean, variable in zip(self.averages, self.trained, strict=True):
                mean.assign_add((1 - EMA) * (variable.value - mean))

        def swap(self) -> None:
            """Exchanges the weights and their averages."""
            for mean, variable in zip(self.averages, self.trained, strict=True):
                weight = tf.identity(variable.value)
                variable.assign(mean)
                mean.assign(weight)

        def averaged(self) -> dict[str, Array]:
            """The weights, those that are trained as their averages."""
            self.swap()
            found = self.weights()
            self.swap()
            return found

        def kept_averages(self) -> dict[str, Array]:
            """The averages of the trained weights, as the model lays them out."""
            arrays = [mean.numpy() for mean in self.averages]
            return dict(zip(self.names, arrays, strict=True))

    def step(self, batch: Arrays, rate: float) -> tf.Tensor:
        """One step of the optimiser; gives the loss of the batch before it."""
        if CHANCE:
            # what a step draws depends on the seed and its number alone
            for state, key in zip(self.draws, self.keys, strict=True):
                state.assign([int(key), 4096 * self.steps % 2**31])
        if DRAWS:
            batch = with_draws(batch, self.seed, self.steps)
        if CHANCE or DRAWS:
            self.steps += 1
        return self.run_step(batch, np.float32(rate))

    if MEASURES:

        @tf.function(jit_compile=False)
        def evaluate(self, batch: Any) -> dict[str, tf.Tensor]:
            """What a measurement computes."""
            return metrics_of(MODEL, batch)

        def measure(self, batch: Arrays) -> dict[str, float]:
            """The loss and the metrics of a batch, as the model is used after training."""
            if SEEDED:
                for state, key in zip(self.draws, self.keys, strict=True):
                    state.assign([key, 2**31 - 4096])
            if DRAWS:
                batch = with_draws(batch, self.seed, "of held-out rows")
            if AVERAGES:
                self.swap()
                measured = {name: float(value) for name, value in self.evaluate(batch).items()}
                self.swap()
                return measured
            else:  # noqa: RET505
                return {name: float(value) for name, value in self.evaluate(batch).items()}

    def weights(self) -> dict[str, Array]:
        """The weights under their portable names, in PyTorch's layouts."""
        return to_portable(self.model)

    def load(self, arrays: Mapping[str, Array], source: str = "the weights") -> None:
        """Takes weights, all of them or none; `source` is what a message calls them."""
        load_weights(self.model, match(arrays, self.shapes, source=source))
        if AVERAGES:
            for mean, variable in zip(self.averages, self.trained, strict=True):
                mean.assign(variable)

    if MOMENTS:

        def moments(self) -> dict[str, Array]:
            """What the optimiser keeps of each weight, as `mean.head.weight`."""
            return {name: variable.numpy() for name, variable in self.kept().items()}

        def kept(self) -> dict[str, Any]:
            """The optimiser's variables by those names."""
            if AXES:
                return {
                    f"{kind}.{name}": variable
                    for kind, field in KEPT.items()
                    for name, variable in zip(
                        self.names, getattr(self.optimizer, field), strict=True
                    )
                    if variable is not None
                }
            else:  # noqa: RET505
                return {
                    f"{kind}.{name}": variable
                    for kind, field in KEPT.items()
                    for name, variable in zip(
                        self.names, getattr(self.optimizer, field), strict=True
                    )
                }

    def restore(self, found: Checkpoint) -> None:
        """Goes back to a checkpoint."""
        arrays, source = load_checkpoint(found), str(found.path)
        self.load(arrays["weights"], source)
        if MOMENTS:
            shapes = {name: array.shape for name, array in self.moments().items()}
            kept = match(arrays["optimizer"], shapes, source=source)
            for name, variable in self.kept().items():
                variable.assign(kept[name])
        self.optimizer.iterations.assign(found.step)
        if ADAPTS:
            ADAPTING.restore_adapters(arrays["adapters"], source)
        if AVERAGES:
            shapes = {name: array.shape for name, array in self.kept_averages().items()}
            averages = match(arrays["averages"], shapes, source=source)
            for name, mean in zip(self.names, self.averages, strict=True):
                mean.assign(averages[name])
        if SCALED:
            restore_scaler(self.scaler, **arrays["scaling"])
        if CHANCE or DRAWS:
            self.steps = found.step

    if SCALED:

        def scaling(self) -> dict[str, Array]:
            """What a checkpoint keeps of the scaler."""
            return scaling_of(self.scaler)


MOVING: Any = None  # the trained variables, or those of them that are not frozen
MODEL: Any = None  # the model, with its adapters if it has some
ADAPTING: Any = None  # the trainer, with what `adapters_template.py` adds
make_phases: Any = None  # see `phases_template.py`
