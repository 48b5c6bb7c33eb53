"""The templates of the optimisers that see weights as matrices, themselves a program.

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
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from dslc_keras.optimizers_template import Shared, prelude

COUNTS_EACH = False  # whether weights have made different numbers of steps
NESTEROV = True  # whether a step looks ahead along the average

Axes = tuple[tuple[int, ...], ...]


class Factored(Shared):
    """As PyTorch computes it: of a matrix, the means of the squares by rows and by columns."""

    axes: Sequence[Axes]
    power: float
    floor: float
    longest: float

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes what is kept of each variable, of the last two axes that it has in the file."""
        if not self.built:
            super().build(variables)
            pairs = list(zip(variables, self.axes, strict=True))
            self.rows = [self.kept(v, "row", own[-1]) if own[1:] else None for v, own in pairs]
            self.columns = [self.kept(v, "col", own[-2]) if own[1:] else None for v, own in pairs]
            self.squares = [None if own[1:] else self.kept(v, "square") for v, own in pairs]
            if COUNTS_EACH:
                self.counts = [self.add_variable((), name="count") for _ in variables]

    def kept(self, variable: keras.Variable, name: str, over: Sequence[int] = ()) -> keras.Variable:
        """A variable like another, with one number for all along some axes."""
        shape = [1 if axis in over else size for axis, size in enumerate(variable.shape)]
        return self.add_variable(shape, "zeros", name=name)

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        # all axes, but that of the two biases that Keras keeps of a GRU
        whole = [axis for part in self.axes[index] for axis in part]
        size = ops.mean(ops.square(variable), whole, keepdims=True)
        size = ops.maximum(ops.sqrt(size), self.floor)
        prelude()
        if COUNTS_EACH:
            count = self.counts[index]
            self.assign_add(count, 1.0)
        else:
            count = ops.cast(self.iterations + 1, variable.dtype)
        fresh, squares = ops.power(count, -self.power), ops.square(gradient)
        row: Any = self.rows[index]
        column: Any = self.columns[index]
        square: Any = self.squares[index]
        if square is None:
            *_, rows, columns = self.axes[index]
            self.assign_add(row, fresh * (ops.mean(squares, columns, keepdims=True) - row))
            self.assign_add(column, fresh * (ops.mean(squares, rows, keepdims=True) - column))
            square = row * column / ops.maximum(ops.mean(row, rows, keepdims=True), 2.0**-23)
        else:
            self.assign_add(square, fresh * (squares - square))
        update = gradient * ops.rsqrt(ops.maximum(square, 2.0**-46))
        length = ops.sqrt(ops.mean(ops.square(update), whole, keepdims=True))
        length = ops.maximum(1.0, length / self.longest)
        rate = size * ops.minimum(learning_rate, 1 / ops.sqrt(count))
        self.assign_sub(variable, rate / length * update)


class Matrices(Shared):
    """Matrices move by their evened out averages, all other weights as by AdamW."""

    axes: Sequence[Axes]

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes what is kept of each variable."""
        if not self.built:
            super().build(variables)
            pairs = list(zip(variables, self.axes, strict=True))
            self.means = [self.add_variable_from_reference(v, "mean") for v in variables]
            self.squares = [
                None if own[1:] else self.add_variable_from_reference(v, "square")
                for v, own in pairs
            ]
            if COUNTS_EACH:
                self.counts = [self.add_variable((), name="count") for _ in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable."""
        index = self._get_variable_index(variable)
        prelude()
        mean: Any = self.means[index]
        square: Any = self.squares[index]
        if COUNTS_EACH:
            self.assign_add(self.counts[index], 1.0)
        if square is None:
            self.assign_add(mean, (gradient - mean) * (1 - self.momentum))
            if NESTEROV:
                ahead = gradient + self.momentum * (mean - gradient)
                update = evened(ahead, self.axes[index][0])
            else:
                update = evened(mean.value, self.axes[index][0])
            self.assign_sub(variable, learning_rate * update)
        else:
            if COUNTS_EACH:
                count = self.counts[index]
            else:
                count = ops.cast(self.iterations + 1, variable.dtype)
            correct1, correct2 = (-ops.expm1(count * math.log(beta)) for beta in self.betas)
            self.assign_add(mean, (gradient - mean) * (1 - self.betas[0]))
            self.assign(square, square * self.betas[1] + ops.square(gradient) * (1 - self.betas[1]))
            root = ops.sqrt(square / correct2) + self.epsilon
            self.assign_sub(variable, learning_rate * (mean / correct1) / root)


def evened(update: Any, rows: Sequence[int]) -> Any:
    """An update whose singular values are near to 1, by five steps of Newton and Schulz.

    As a matrix it has some of its axes by all others; it is made as long as an update of Adam.
    """
    order = [*rows, *(axis for axis in range(len(update.shape)) if axis not in rows)]
    turned: Any = ops.transpose(update, order)
    matrix: Any = ops.reshape(turned, (math.prod(turned.shape[: len(rows)]), -1))
    is_high = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if is_high else matrix
    x = x / ops.maximum(ops.sqrt(ops.sum(ops.square(x))), 1e-7)
    for _ in range(5):
        product = x @ ops.transpose(x)
        x = 3.4445 * x + (2.0315 * product @ product - 4.775 * product) @ x
    x = 0.2 * math.sqrt(max(matrix.shape)) * (ops.transpose(x) if is_high else x)
    return ops.transpose(ops.reshape(x, turned.shape), [order.index(k) for k in range(len(order))])
