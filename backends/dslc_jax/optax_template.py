"""Parts of optimisers that optax has not, or not as the formulas say.

They are taken from here by name. See `dslc.emit.template`.
"""

# Trees of arrays have no types that a checker could follow.
# pyright: reportUnknownLambdaType=false, reportPossiblyUnboundVariable=false

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

COUNTS_EACH = False  # whether weights have made different numbers of steps
GROUPED = False  # whether weights have rates of their own

LOSS_SCALE = 65536.0
GROWTH = 2000

Axes = tuple[tuple[int, ...], ...]


def scale_by_adam(betas: tuple[float, float], epsilon: float) -> optax.GradientTransformation:
    """Adam as PyTorch computes it: the bias corrections keep all their digits from step 1 on."""
    log1, log2 = math.log(betas[0]), math.log(betas[1])

    def init(params: Any) -> optax.ScaleByAdamState:
        means, squares = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
        return optax.ScaleByAdamState(NONE_DONE, means, squares)  # noqa: F821  # pyright: ignore

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.ScaleByAdamState]:
        del params
        if COUNTS_EACH:
            count: Any = [count + 1 for count in state.count]
        else:
            count = state.count + 1
        mean = jax.tree.map(lambda m, g: m + (1 - betas[0]) * (g - m), state.mu, updates)
        square = jax.tree.map(lambda v, g: betas[1] * v + (1 - betas[1]) * g * g, state.nu, updates)
        if COUNTS_EACH:
            updates = [
                m / -jnp.expm1(t * log1) / (jnp.sqrt(v / -jnp.expm1(t * log2)) + epsilon)
                for m, v, t in zip(mean, square, count, strict=True)
            ]
        else:
            correct1, correct2 = -jnp.expm1(count * log1), -jnp.expm1(count * log2)
            updates = jax.tree.map(
                lambda m, v: m / correct1 / (jnp.sqrt(v / correct2) + epsilon), mean, square
            )
        return updates, optax.ScaleByAdamState(count, mean, square)

    return optax.GradientTransformation(init, update)


def clip_each(most: float) -> optax.GradientTransformation:
    """Scales the gradient of each weight down where its norm is above a bound."""

    def clip(updates: Any, params: Any) -> Any:
        del params
        norms = [jnp.sqrt(jnp.vdot(g, g)) for g in updates]
        return [
            jnp.minimum(1.0, most / (norm + 1e-6)) * g
            for g, norm in zip(updates, norms, strict=True)
        ]

    return optax.stateless(clip)


def add_decays(decays: Sequence[float]) -> optax.GradientTransformation:
    """Adds to each gradient its weight's own share of the weight."""

    def add(updates: Any, params: Any) -> Any:
        return [g + d * w for g, d, w in zip(updates, decays, params, strict=True)]

    return optax.stateless(add)


def scale_each(scales: Sequence[float]) -> optax.GradientTransformation:
    """Multiplies the step of each weight by its own rate's share of the learning rate."""

    def scale(updates: Any, params: Any) -> Any:
        del params
        return [s * update for s, update in zip(scales, updates, strict=True)]

    return optax.stateless(scale)


def clip_by_norm(most: float) -> optax.GradientTransformation:
    """Scales all gradients down together where their norm is above a bound, as PyTorch does."""

    def clip(updates: Any, params: Any) -> Any:
        del params
        norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(updates)))
        scale = jnp.minimum(1.0, most / (norm + 1e-6))
        return jax.tree.map(lambda g: scale * g, updates)

    return optax.stateless(clip)


def scale_by_adagrad(epsilon: float) -> optax.GradientTransformation:
    """Adagrad as PyTorch computes it: sums from zero on, epsilon outside the root."""

    def init(params: Any) -> optax.ScaleByRssState:
        return optax.ScaleByRssState(jax.tree.map(jnp.zeros_like, params))

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.ScaleByRssState]:
        del params
        total = jax.tree.map(lambda s, g: s + g * g, state.sum_of_squares, updates)
        updates = jax.tree.map(lambda g, s: g / (jnp.sqrt(s) + epsilon), updates, total)
        return updates, optax.ScaleByRssState(total)

    return optax.GradientTransformation(init, update)


def scale_by_adafactor(
    axes: Sequence[Axes], power: float, floor: float, longest: float, scales: Sequence[float] = ()
) -> optax.GradientTransformationExtraArgs:
    """Adafactor as PyTorch computes it, of the last two axes that a weight has in the file."""

    def init(params: Any) -> optax.FactoredState:
        def kept(param: Array, over: Sequence[int] = ()) -> Array:
            return jnp.zeros([1 if k in over else size for k, size in enumerate(param.shape)])

        pairs = list(zip(params, axes, strict=True))
        rows: Any = [kept(param, own[-1]) if own[1:] else None for param, own in pairs]
        columns: Any = [kept(param, own[-2]) if own[1:] else None for param, own in pairs]
        squares: Any = [None if own[1:] else kept(param) for param, own in pairs]
        return optax.FactoredState(NONE_DONE, rows, columns, squares)  # noqa: F821  # pyright: ignore

    def update(
        updates: Any, state: Any, params: Any = None, *, rate: Any, **_: Any
    ) -> tuple[Any, optax.FactoredState]:
        if COUNTS_EACH:
            count: Any = [done + 1 for done in state.count]
        else:
            count = state.count + 1
            done = jnp.float32(count)
        rows, columns, squares = list(state.v_row), list(state.v_col), list(state.v)
        moves: list[Array] = []
        for k, (gradient, param, own) in enumerate(zip(updates, params, axes, strict=True)):
            square = gradient * gradient
            if COUNTS_EACH:
                done = count[k]
            fresh = done**-power
            if own[1:]:
                row, column = own[-2:]
                rows[k] += fresh * (square.mean(column, keepdims=True) - rows[k])
                columns[k] += fresh * (square.mean(row, keepdims=True) - columns[k])
                mean = rows[k].mean(row, keepdims=True)
                square = rows[k] * columns[k] / jnp.maximum(mean, 2.0**-23)
            else:
                squares[k] += fresh * (square - squares[k])
                square = squares[k]
            move = gradient * jax.lax.rsqrt(jnp.maximum(square, 2.0**-46))
            length = jnp.maximum(1.0, jnp.sqrt((move * move).mean()) / longest)
            size = jnp.maximum(floor, jnp.sqrt((param * param).mean()))
            if GROUPED:
                most = jnp.minimum(1.0, 1 / (rate * scales[k] * jnp.sqrt(done)))
            else:
                most = jnp.minimum(1.0, 1 / (rate * jnp.sqrt(done)))
            moves.append(size * most / length * move)
        return moves, optax.FactoredState(count, rows, columns, squares)

    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore


def scale_by_muon(
    axes: Sequence[Axes],
    momentum: float,
    betas: tuple[float, float],
    epsilon: float,
    *,
    nesterov: bool = False,
) -> optax.GradientTransformation:
    """Matrices move by their evened out averages, all other weights as by AdamW."""
    log1, log2 = math.log(betas[0]), math.log(betas[1])

    def init(params: Any) -> optax.ScaleByAdamState:
        means = [jnp.zeros_like(param) for param in params]
        pairs = zip(params, axes, strict=True)
        squares: Any = [None if own[1:] else jnp.zeros_like(param) for param, own in pairs]
        return optax.ScaleByAdamState(NONE_DONE, means, squares)  # noqa: F821  # pyright: ignore

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, optax.ScaleByAdamState]:
        del params
        if COUNTS_EACH:
            count: Any = [done + 1 for done in state.count]
        else:
            count = state.count + 1
            correct1, correct2 = -jnp.expm1(count * log1), -jnp.expm1(count * log2)
        means, squares, moves = list(state.mu), list(state.nu), list(updates)
        for k, (gradient, own) in enumerate(zip(updates, axes, strict=True)):
            kept = momentum if own[1:] else betas[0]
            means[k] += (1 - kept) * (gradient - means[k])
            if own[1:]:
                ahead = gradient + momentum * (means[k] - gradient) if nesterov else means[k]
                moves[k] = evened(ahead, own[0])
            else:
                if COUNTS_EACH:
                    correct1, correct2 = (-jnp.expm1(count[k] * log) for log in (log1, log2))
                squares[k] = betas[1] * squares[k] + (1 - betas[1]) * gradient * gradient
                root = jnp.sqrt(squares[k] / correct2) + epsilon
                moves[k] = means[k] / correct1 / root
        return moves, optax.ScaleByAdamState(count, means, squares)

    return optax.GradientTransformation(init, update)


class Scaled(NamedTuple):
    """The state of an optimiser with a scaled loss.

    Attributes:
        inner: The optimiser's own.
        scale: What the loss is multiplied by, so that small gradients are no zeros in float16.
        good: The number of good steps in a row since it changed.
    """

    inner: Any
    scale: Any
    good: Any


def with_loss_scale(optimizer: Any) -> optax.GradientTransformationExtraArgs:
    """An optimiser for a scaled loss: it does nothing where a gradient is not finite."""

    def init(params: Any) -> Scaled:
        return Scaled(optimizer.init(params), jnp.float32(LOSS_SCALE), jnp.zeros(()))

    def update(updates: Any, state: Any, params: Any = None, **more: Any) -> tuple[Any, Scaled]:
        gradients = [gradient / state.scale for gradient in updates]
        finite = jnp.array([jnp.isfinite(gradient).all() for gradient in gradients]).all()
        new = optimizer.update(gradients, state.inner, params, **more)
        still = [jnp.zeros_like(gradient) for gradient in gradients], state.inner
        updates, inner = jax.tree.map(lambda a, b: jnp.where(finite, a, b), new, still)
        grows = finite & (state.good + 1 == GROWTH)
        scale = state.scale * jnp.where(finite, jnp.where(grows, 2.0, 1.0), 0.5)
        return updates, Scaled(inner, scale, jnp.where(finite & ~grows, state.good + 1, 0.0))

    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore


def evened(update: Array, rows: Sequence[int]) -> Array:
    """An update whose singular values are near to 1, by five steps of Newton and Schulz.

    As a matrix it has some of its axes by all others; it is made as long as an update of Adam.
    """
    order = [*rows, *(axis for axis in range(update.ndim) if axis not in rows)]
    turned = update.transpose(order)
    matrix = turned.reshape(math.prod(turned.shape[: len(rows)]), -1)
    is_high = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_high else matrix
    x = x / jnp.maximum(jnp.sqrt(jnp.vdot(x, x)), 1e-7)

    def nearer(_: int, x: Array) -> Array:
        product = x @ x.T
        return 3.4445 * x + (2.0315 * product @ product - 4.775 * product) @ x

    x = jax.lax.fori_loop(0, 5, nearer, x)
    x = 0.2 * math.sqrt(max(matrix.shape)) * (x.T if is_high else x)
    return x.reshape(turned.shape).transpose([order.index(axis) for axis in range(len(order))])
