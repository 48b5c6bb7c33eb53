"""Steps of optimisers in NumPy, in float64, as the page of training states them."""

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray
Kept = dict[str, Array]
Formula = Callable[[Array, Array, Kept, float, int], Array]
"""From a weight, its gradient, what is kept of it, the rate and the number of the step."""


def rmsprop(beta: float = 0.99, momentum: float = 0.0, decay: float = 0.0) -> Formula:
    def step(w: Array, g: Array, kept: Kept, rate: float, t: int) -> Array:
        del t
        g = g + decay * w
        kept["square"] = beta * kept.get("square", 0 * w) + (1 - beta) * g * g
        kept["sum"] = momentum * kept.get("sum", 0 * w) + g / (np.sqrt(kept["square"]) + 1e-8)
        return w - rate * kept["sum"]

    return step


def adagrad(decay: float = 0.0) -> Formula:
    def step(w: Array, g: Array, kept: Kept, rate: float, t: int) -> Array:
        del t
        g = g + decay * w
        kept["square"] = kept.get("square", 0 * w) + g * g
        return w - rate * g / (np.sqrt(kept["square"]) + 1e-10)

    return step


def lion(beta1: float = 0.9, beta2: float = 0.99, decay: float = 0.0) -> Formula:
    def step(w: Array, g: Array, kept: Kept, rate: float, t: int) -> Array:
        del t
        mean = kept.get("mean", 0 * w)
        kept["mean"] = beta2 * mean + (1 - beta2) * g
        return w - rate * decay * w - rate * np.sign(beta1 * mean + (1 - beta1) * g)

    return step


def rms(array: Array) -> float:
    return float(np.sqrt(np.mean(array**2)))


def adafactor(power: float = 0.8, longest: float = 1.0, decay: float = 0.0) -> Formula:
    def step(w: Array, g: Array, kept: Kept, rate: float, t: int) -> Array:
        fresh = t**-power
        if w.ndim > 1:
            for kind, axis in (("row", -1), ("column", -2)):
                mean = (g * g).mean(axis, keepdims=True)
                kept[kind] = kept.get(kind, 0 * mean) + fresh * (mean - kept.get(kind, 0 * mean))
            row = kept["row"]
            square = row * kept["column"] / np.maximum(row.mean(-2, keepdims=True), 2.0**-23)
        else:
            square = kept.get("square", 0 * w)
            square = kept["square"] = square + fresh * (g * g - square)
        u = g / np.sqrt(np.maximum(square, 2.0**-46))
        move = max(1e-3, rms(w)) * min(rate, 1 / math.sqrt(t)) * u / max(1, rms(u) / longest)
        return w - rate * decay * w - move

    return step


def muon(momentum: float = 0.95, decay: float = 0.1, *, nesterov: bool = True) -> Formula:
    adam = adamw(decay)

    def step(w: Array, g: Array, kept: Kept, rate: float, t: int) -> Array:
        if w.ndim < 2:
            return adam(w, g, kept, rate, t)
        mean = kept.get("mean", 0 * w)
        mean = kept["mean"] = mean + (1 - momentum) * (g - mean)
        u = g + momentum * (mean - g) if nesterov else mean
        x = u.reshape(len(u), -1)
        size = 0.2 * math.sqrt(max(x.shape))
        x = x / max(np.linalg.norm(x), 1e-7)
        for _ in range(5):
            p = x @ x.T
            x = 3.4445 * x + (2.0315 * p @ p - 4.775 * p) @ x
        return w - rate * decay * w - rate * size * x.reshape(w.shape)

    return step


def adamw(decay: float) -> Formula:
    def step(w: Array, g: Array, kept: Kept, rate: float, t: int) -> Array:
        kept["mean"] = 0.9 * kept.get("mean", 0 * w) + 0.1 * g
        kept["square"] = 0.999 * kept.get("square", 0 * w) + 0.001 * g * g
        corrected = kept["square"] / (1 - 0.999**t)
        move = kept["mean"] / (1 - 0.9**t) / (np.sqrt(corrected) + 1e-8)
        return w - rate * decay * w - rate * move

    return step
