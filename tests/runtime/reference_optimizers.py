"""SGD and AdamW in NumPy, as PyTorch defines them: what every backend's optimiser must compute.

The bias corrections are `-expm1(t * log(beta))` in float64. `1 - beta**t` in float32, as two of
the frameworks have it, loses half of its digits in the first steps.
"""

import math
from collections.abc import Mapping

import numpy as np

Arrays = dict[str, np.ndarray]


class SGD:
    """Momentum keeps a sum of gradients, not of steps; weight decay is part of the gradient."""

    def __init__(
        self, momentum: float = 0.0, *, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        self.buffers: Arrays = {}

    def step(self, weights: Arrays, gradients: Mapping[str, np.ndarray], rate: float) -> Arrays:
        """The weights after a step."""
        after: Arrays = {}
        for name, weight in weights.items():
            gradient = gradients[name] + self.weight_decay * weight
            if self.momentum:
                before = self.buffers.get(name)
                buffer = gradient if before is None else self.momentum * before + gradient
                self.buffers[name] = buffer
                gradient = gradient + self.momentum * buffer if self.nesterov else buffer
            after[name] = weight - rate * gradient
        return after


class AdamW:
    """Epsilon stands outside the bias correction's root; the decay is decoupled."""

    def __init__(
        self,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.betas = betas
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.count = 0
        self.means: Arrays = {}
        self.squares: Arrays = {}

    def step(self, weights: Arrays, gradients: Mapping[str, np.ndarray], rate: float) -> Arrays:
        """The weights after a step."""
        self.count += 1
        beta1, beta2 = self.betas
        correct1, correct2 = (-math.expm1(self.count * math.log(beta)) for beta in self.betas)
        after: Arrays = {}
        for name, weight in weights.items():
            gradient = gradients[name]
            mean = self.means.get(name, 0.0) * beta1 + gradient * (1 - beta1)
            square = self.squares.get(name, 0.0) * beta2 + gradient**2 * (1 - beta2)
            self.means[name], self.squares[name] = mean, square
            update = mean / correct1 / (np.sqrt(square / correct2) + self.epsilon)
            after[name] = weight - rate * self.weight_decay * weight - rate * update
        return after
