"""The templates of the optimisers, themselves a program.

What a spec decides is taken from here with the flags decided. See `dslc.emit.template`.
"""

# Keras and TensorFlow declare no types that a checker could follow.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false, reportOptionalOperand=false
# pyright: reportOperatorIssue=false, reportReturnType=false, reportCallIssue=false
# pyright: reportIncompatibleMethodOverride=false, reportPrivateUsage=false
# pyright: reportUnknownLambdaType=false, reportRedeclaration=false
# pyright: reportPossiblyUnboundVariable=false

import math
from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import ops

CLIPS_EACH = False  # whether each weight's gradient is scaled down
CLIPS_NORM = False  # whether gradients are scaled down together
CLIPS_VALUE = False  # whether each number of a gradient is clipped
COUNTS_EACH = False  # whether weights have made different numbers of steps
COUPLED = False  # whether decay is part of the gradient
DECOUPLED = False  # whether decay is apart from the gradient
GROUPED = False  # whether weights have rates of their own
IN_PAIRS = False  # whether two weights may be one variable, the biases of a GRU
KEEPS = False  # whether some weights do not decay
MOMENTUM_ON = True  # whether SGD keeps a sum
NESTEROV = False  # whether SGD looks ahead


class Shared(keras.optimizers.Optimizer):
    """What every optimiser below has: a constructor takes the settings that it uses."""

    learning_rate: tf.Tensor
    momentum: float
    beta: float
    betas: tuple[float, float]
    epsilon: float
    decay: float
    decays: Sequence[float]
    scales: Sequence[float]
    spans: Sequence[tuple[int, ...]]
    most: float

    if CLIPS_NORM:

        def apply(
            self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None
        ) -> None:
            """Moves the variables by gradients that are scaled down together, as PyTorch does."""
            scale = ops.minimum(1.0, self.most / (tf.linalg.global_norm(grads) + 1e-6))
            super().apply([scale * gradient for gradient in grads], trainable_variables)

    if CLIPS_EACH:

        def apply(
            self, grads: list[tf.Tensor], trainable_variables: list[keras.Variable] | None = None
        ) -> None:
            """Moves the variables by gradients that are each scaled down to the bound."""
            if IN_PAIRS:
                # over all axes, but that of the two biases that Keras keeps of a GRU
                variables = trainable_variables or self._trainable_variables
                spans = [self.spans[self._get_variable_index(v)] for v in variables]
                squares = [ops.square(gradient) for gradient in grads]
                pairs = zip(squares, spans, strict=True)
                norms = [ops.sqrt(ops.sum(square, axes, keepdims=True)) for square, axes in pairs]
            else:
                norms = [tf.norm(gradient) for gradient in grads]
            scales = [ops.minimum(1.0, self.most / (norm + 1e-6)) for norm in norms]
            clipped = [scale * gradient for scale, gradient in zip(scales, grads, strict=True)]
            super().apply(clipped, trainable_variables)

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
        """What stands for `prelude()` in a step."""
        index = self._get_variable_index(variable)
        if GROUPED:
            learning_rate = learning_rate * self.scales[index]
        if COUPLED and KEEPS:
            gradient = gradient + self.decays[index] * variable
        elif COUPLED:
            gradient = gradient + self.decay * variable
        if DECOUPLED and KEEPS:
            self.assign_sub(variable, learning_rate * self.decays[index] * variable)
        elif DECOUPLED:
            self.assign_sub(variable, learning_rate * self.decay * variable)


def prelude() -> None:
    """Stands for what groups and decays do before a step; see `Shared.update_step`."""


class Descent(Shared):
    """SGD as PyTorch computes it: momentum sums gradients, so a rate may change at any step."""

    if MOMENTUM_ON:

        def build(self, variables: list[keras.Variable]) -> None:
            """Makes what is kept of each variable."""
            if not self.built:
                super().build(variables)
                self.sums = [self.add_variable_from_reference(v, "sum") for v in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        if MOMENTUM_ON or KEEPS:
            index = self._get_variable_index(variable)
        prelude()
        if MOMENTUM_ON:
            total = self.sums[index]
            self.assign(total, self.momentum * total + gradient)
            if NESTEROV:
                gradient = gradient + self.momentum * total
            else:
                gradient = total
        self.assign_sub(variable, learning_rate * gradient)


class Adaptive(Shared):
    """As PyTorch computes it: epsilon after the bias corrections, which keep their digits."""

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes what is kept of each variable."""
        if not self.built:
            super().build(variables)
            self.means = [self.add_variable_from_reference(v, "mean") for v in variables]
            self.squares = [self.add_variable_from_reference(v, "square") for v in variables]
            if COUNTS_EACH:
                self.counts = [self.add_variable((), name="count") for _ in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        prelude()
        mean, square = self.means[index], self.squares[index]
        if COUNTS_EACH:
            count = self.counts[index]
            self.assign_add(count, 1.0)
        else:
            count = ops.cast(self.iterations + 1, variable.dtype)
        correct1, correct2 = (-ops.expm1(count * math.log(beta)) for beta in self.betas)
        self.assign_add(mean, (gradient - mean) * (1 - self.betas[0]))
        self.assign(square, square * self.betas[1] + ops.square(gradient) * (1 - self.betas[1]))
        root = ops.sqrt(square / correct2)
        self.assign_sub(variable, learning_rate * (mean / correct1) / (root + self.epsilon))


class RootMeanSquare(Shared):
    """As PyTorch computes it: epsilon outside the root."""

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes what is kept of each variable."""
        if not self.built:
            super().build(variables)
            self.squares = [self.add_variable_from_reference(v, "square") for v in variables]
            if MOMENTUM_ON:
                self.sums = [self.add_variable_from_reference(v, "sum") for v in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        prelude()
        square = self.squares[index]
        self.assign(square, self.beta * square + (1 - self.beta) * ops.square(gradient))
        step = gradient / (ops.sqrt(square) + self.epsilon)
        if MOMENTUM_ON:
            total = self.sums[index]
            self.assign(total, self.momentum * total + step)
            self.assign_sub(variable, learning_rate * total)
        else:
            self.assign_sub(variable, learning_rate * step)


class Summing(Shared):
    """As PyTorch computes it: epsilon outside the root, sums from zero on."""

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes what is kept of each variable."""
        if not self.built:
            super().build(variables)
            self.squares = [self.add_variable_from_reference(v, "square") for v in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        prelude()
        square = self.squares[index]
        self.assign_add(square, ops.square(gradient))
        root = ops.sqrt(square)
        self.assign_sub(variable, learning_rate * gradient / (root + self.epsilon))


class Signs(Shared):
    """Steps of one length for every number, by the sign of an average."""

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes what is kept of each variable."""
        if not self.built:
            super().build(variables)
            self.means = [self.add_variable_from_reference(v, "mean") for v in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        prelude()
        mean, (beta1, beta2) = self.means[index], self.betas
        self.assign_sub(variable, learning_rate * ops.sign(beta1 * mean + (1 - beta1) * gradient))
        self.assign(mean, beta2 * mean + (1 - beta2) * gradient)
