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

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Array, Arrays, random_keys
from dslc.train.runtime.initial import initial, kaiming_uniform, matches, zeros
from dslc.train.runtime.weights import match
from dslc_keras.runtime.portable import all_layers, load_weights, path_of, places, to_portable

BF16 = False  # whether the model computes in bfloat16
CHANCE = True  # whether the model draws random numbers in training
CLIPS_NORM = False  # whether gradients are scaled down together
CLIPS_VALUE = False  # whether each number of a gradient is clipped
COUPLED = False  # whether decay is part of the gradient
DRAWS = False  # whether the training graph draws random numbers
EVERY = False  # whether a phase passes batches over
FREEZES = True  # whether some of the model is not trained
DECOUPLED = False  # whether decay is apart from the gradient
KEEPS = False  # whether some weights do not decay
MEASURES = True  # whether rows are held out
MOMENTS = True  # whether the optimiser keeps something of each weight
MOMENTUM_ON = True  # whether SGD keeps a sum
NATIVE = False  # whether the model's images have another layout than the spec's
NESTEROV = False  # whether SGD looks ahead
SEEDED = False  # whether what the model draws is the same in every framework
PHASED = False  # whether each step has phases

INITIAL = [("**.weight", kaiming_uniform()), ("**", zeros())]
FROZEN = ["nothing"]
LEARNING_RATE = 0.1
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


def make_optimizer(names: Sequence[str] = ()) -> "Descent":
    """The optimiser of the trained weights."""
    del names
    return Descent(LEARNING_RATE, 0.9)


class Descent(keras.optimizers.Optimizer):
    """SGD as PyTorch computes it: momentum sums gradients, so a rate may change at any step."""

    def __init__(
        self,
        learning_rate: float,
        momentum: float = 0.0,
        decay: float = 0.0,
        decays: Sequence[float] = (),
        most: float = 0.0,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name="sgd")
        self.momentum = momentum
        self.decay = decay
        self.decays = decays
        self.most = most

    if MOMENTUM_ON:

        def build(self, variables: list[keras.Variable]) -> None:
            """Makes what is kept of each variable."""
            if not self.built:
                super().build(variables)
                self.sums = [self.add_variable_from_reference(v, "sum") for v in variables]

    if CLIPS_NORM:

        def apply(
            self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None
        ) -> None:
            """Moves the variables by gradients that are scaled down together, as PyTorch does."""
            scale = ops.minimum(1.0, self.most / (tf.linalg.global_norm(grads) + 1e-6))
            super().apply([scale * gradient for gradient in grads], trainable_variables)

    if CLIPS_VALUE:

        def apply(
            self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None
        ) -> None:
            """Moves the variables by gradients whose numbers are clipped one by one."""
            clipped = [ops.clip(gradient, -self.most, self.most) for gradient in grads]
            super().apply(clipped, trainable_variables)

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        if MOMENTUM_ON or KEEPS:
            index = self._get_variable_index(variable)
        if COUPLED and KEEPS:
            gradient = gradient + self.decays[index] * variable
        elif COUPLED:
            gradient = gradient + self.decay * variable
        if MOMENTUM_ON:
            total = self.sums[index]
            self.assign(total, self.momentum * total + gradient)
            if NESTEROV:
                gradient = gradient + self.momentum * total
            else:
                gradient = total
        self.assign_sub(variable, learning_rate * gradient)


class Adaptive(keras.optimizers.Optimizer):
    """As PyTorch computes it: epsilon after the bias corrections, which keep their digits."""

    def __init__(
        self,
        learning_rate: float,
        betas: tuple[float, float],
        epsilon: float,
        decay: float = 0.0,
        decays: Sequence[float] = (),
        most: float = 0.0,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name="adam")
        self.betas = betas
        self.epsilon = epsilon
        self.decay = decay
        self.decays = decays
        self.most = most

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes what is kept of each variable."""
        if not self.built:
            super().build(variables)
            self.means = [self.add_variable_from_reference(v, "mean") for v in variables]
            self.squares = [self.add_variable_from_reference(v, "square") for v in variables]

    if CLIPS_NORM:

        def apply(
            self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None
        ) -> None:
            """Moves the variables by gradients that are scaled down together, as PyTorch does."""
            scale = ops.minimum(1.0, self.most / (tf.linalg.global_norm(grads) + 1e-6))
            super().apply([scale * gradient for gradient in grads], trainable_variables)

    if CLIPS_VALUE:

        def apply(
            self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None
        ) -> None:
            """Moves the variables by gradients whose numbers are clipped one by one."""
            clipped = [ops.clip(gradient, -self.most, self.most) for gradient in grads]
            super().apply(clipped, trainable_variables)

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        if COUPLED and KEEPS:
            gradient = gradient + self.decays[index] * variable
        elif COUPLED:
            gradient = gradient + self.decay * variable
        if DECOUPLED and KEEPS:
            self.assign_sub(variable, learning_rate * self.decays[index] * variable)
        elif DECOUPLED:
            self.assign_sub(variable, learning_rate * self.decay * variable)
        mean, square = self.means[index], self.squares[index]
        count = ops.cast(self.iterations + 1, variable.dtype)
        correct1, correct2 = (-ops.expm1(count * math.log(beta)) for beta in self.betas)
        self.assign_add(mean, (gradient - mean) * (1 - self.betas[0]))
        self.assign(square, square * self.betas[1] + ops.square(gradient) * (1 - self.betas[1]))
        root = ops.sqrt(square / correct2)
        self.assign_sub(variable, learning_rate * (mean / correct1) / (root + self.epsilon))


class Trainer:
    """The model with its optimiser, and what is compiled for them."""

    def __init__(self, seed: int, device: str = "auto") -> None:
        use_device(device)
        if BF16:
            keras.config.set_dtype_policy("mixed_bfloat16")
        if NATIVE:
            self.model = the_model(io_layout="native")
        else:
            self.model = the_model()
        if BF16:
            keras.config.set_dtype_policy("float32")
        self.shapes = {name: array.shape for name, array in to_portable(self.model).items()}
        self.load(initial(self.shapes, INITIAL, seed), "the initial weights")
        if FREEZES:
            for layer in all_layers(self.model):
                if matches(FROZEN, path_of(layer)):
                    layer.trainable = False
        by_variable = {id(place.variable): name for name, place in places(self.model).items()}
        self.trained = self.model.trainable_variables
        self.names = [by_variable[id(variable)] for variable in self.trained]
        if PHASED:
            self.phases = make_phases(dict(zip(self.names, self.trained, strict=True)))
            for phase in self.phases:
                phase.run = tf.function(partial(self.train, phase), jit_compile=False)
        else:
            if KEEPS:
                self.optimizer = make_optimizer(self.names)
            else:
                self.optimizer = make_optimizer()
            self.optimizer.build(self.trained)
        if SEEDED:
            found = draws_of(self.model)
            self.draws = list(found.values())
            self.keys = [int(random_keys(1, seed, name)[0]) >> 33 for name in found]
        if CHANCE and not SEEDED:
            states = self.model.non_trainable_variables
            self.draws = [state for state in states if state.name == "seed_generator_state"]
            self.keys = random_keys(len(self.draws), seed, "draws") >> np.uint64(33)
        if DRAWS:
            self.seed = seed
        if CHANCE or DRAWS or EVERY:
            self.steps = 0
        if not PHASED:
            self.run_step = tf.function(self.train, jit_compile=False)
        if MEASURES:
            self.run_metrics = tf.function(self.evaluate, jit_compile=False)

    def train(self, batch: Batch, rate: tf.Tensor) -> tf.Tensor:
        """What a step computes."""
        with tf.GradientTape() as tape:
            loss = loss_of(self.model, batch)
        variables, zero = [v.value for v in self.trained], tf.UnconnectedGradients.ZERO
        gradients = tape.gradient(loss, variables, unconnected_gradients=zero)
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply([tf.convert_to_tensor(g) for g in gradients], self.trained)
        return loss

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

        def evaluate(self, batch: Batch) -> dict[str, tf.Tensor]:
            """What a measurement computes."""
            return metrics_of(self.model, batch)

        def measure(self, batch: Arrays) -> dict[str, float]:
            """The loss and the metrics of a batch, as the model is used after training."""
            if SEEDED:
                for state, key in zip(self.draws, self.keys, strict=True):
                    state.assign([key, 2**31 - 4096])
            if DRAWS:
                batch = with_draws(batch, self.seed, "of held-out rows")
            return {name: float(value) for name, value in self.run_metrics(batch).items()}

    def weights(self) -> dict[str, Array]:
        """The weights under their portable names, in PyTorch's layouts."""
        return to_portable(self.model)

    def load(self, arrays: Mapping[str, Array], source: str = "the weights") -> None:
        """Takes weights, all of them or none; `source` is what a message calls them."""
        load_weights(self.model, match(arrays, self.shapes, source=source))

    if MOMENTS:

        def moments(self) -> dict[str, Array]:
            """What the optimiser keeps of each weight, as `mean.head.weight`."""
            return {
                f"{kind}.{name}": variable.numpy()
                for kind, field in KEPT.items()
                for name, variable in zip(self.names, getattr(self.optimizer, field), strict=True)
            }

    def restore(self, found: Checkpoint) -> None:
        """Goes back to a checkpoint."""
        arrays, source = load_checkpoint(found), str(found.path)
        self.load(arrays["weights"], source)
        if MOMENTS:
            shapes = {name: array.shape for name, array in self.moments().items()}
            kept = match(arrays["optimizer"], shapes, source=source)
            for kind, field in KEPT.items():
                for name, variable in zip(self.names, getattr(self.optimizer, field), strict=True):
                    variable.assign(kept[f"{kind}.{name}"])
        self.optimizer.iterations.assign(found.step)
        if CHANCE or DRAWS:
            self.steps = found.step


def draws_of(model: keras.Model) -> dict[str, keras.Variable]:
    """The key and count of all that draws in a model, by its path."""
    found: dict[str, keras.Variable] = {}
    for layer in model.layers:
        inner = layer.step if type(layer).__name__ == "Scan" else layer
        if isinstance(inner, keras.Model):
            found |= draws_of(inner)
            continue
        states = [v for v in layer.non_trainable_variables if v.name == "seed_generator_state"]
        found |= {path_of(layer).removesuffix(".dropout"): state for state in states}
    return found


def in_float32(outputs: Any) -> Any:
    """What a model in mixed precision gives, for the loss."""
    return tf.nest.map_structure(lambda value: ops.cast(value, "float32"), outputs)


def use_device(name: str) -> None:
    """Computes on a device from now on; float32 means float32 there."""
    if keras.backend.backend() != "tensorflow":
        raise SystemExit("train.py runs Keras on TensorFlow: set KERAS_BACKEND=tensorflow")
    if name == "cpu":
        tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_tensor_float_32_execution(False)


make_phases: Any = None  # see `phases_template.py`
