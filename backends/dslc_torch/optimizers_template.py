"""Optimisers that PyTorch has not, or not as the formulas say.

They are taken from here by name. See `dslc.emit.template`.
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

NESTEROV = True  # whether Muon looks ahead along the average


class Lion(torch.optim.Optimizer):
    """Steps of one length for every number, by the sign of an average."""

    def __init__(
        self, weights: Iterable[Any], rate: float, betas: tuple[float, float], decay: float
    ) -> None:
        super().__init__(weights, {"lr": rate, "betas": betas, "weight_decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Moves the weights by their gradients."""
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                mean = self.state[weight].setdefault("exp_avg", torch.zeros_like(weight))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                sign = (beta1 * mean + (1 - beta1) * weight.grad).sign_()
                weight.sub_(sign, alpha=group["lr"])
                mean.mul_(beta2).add_(weight.grad, alpha=1 - beta2)


class Muon(torch.optim.Optimizer):
    """Matrices move by their evened out averages, all other weights as by AdamW."""

    def __init__(
        self,
        weights: Iterable[Any],
        matrices: Iterable[Tensor],
        rate: float,
        momentum: float,
        betas: tuple[float, float],
        epsilon: float,
        decay: float,
    ) -> None:
        super().__init__(weights, {"lr": rate, "weight_decay": decay})
        self.momentum, self.betas, self.epsilon = momentum, betas, epsilon
        ids = {id(weight) for weight in matrices}
        for weight in (w for group in self.param_groups for w in group["params"]):
            self.state[weight] = {"step": torch.zeros(()), "exp_avg": torch.zeros_like(weight)}
            if id(weight) not in ids:
                self.state[weight]["exp_avg_sq"] = torch.zeros_like(weight)

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Moves the weights by their gradients."""
        for group in self.param_groups:
            for weight in (w for w in group["params"] if w.grad is not None):
                state, rate = self.state[weight], group["lr"]
                state["step"] += 1
                mean, square = state["exp_avg"], state.get("exp_avg_sq")
                weight.mul_(1 - rate * group["weight_decay"])
                if square is None:
                    mean.lerp_(weight.grad, 1 - self.momentum)
                    if NESTEROV:
                        update = evened(weight.grad.lerp(mean, self.momentum))
                    else:
                        update = evened(mean)
                    weight.sub_(update, alpha=rate)
                else:
                    corrects = [-math.expm1(state["step"] * math.log(b)) for b in self.betas]
                    mean.lerp_(weight.grad, 1 - self.betas[0])
                    square.lerp_(weight.grad.square(), 1 - self.betas[1])
                    root = (square / corrects[1]).sqrt_().add_(self.epsilon)
                    weight.addcdiv_(mean, root, value=-rate / corrects[0])


def evened(update: Tensor) -> Tensor:
    """An update whose singular values are near to 1, by five steps of Newton and Schulz.

    As a matrix it has its first axis by all others; it is made as long as an update of Adam.
    """
    matrix = update.flatten(1)
    is_high = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_high else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        product = x @ x.T
        x = 3.4445 * x + (2.0315 * product @ product - 4.775 * product) @ x
    x = 0.2 * math.sqrt(max(matrix.shape)) * (x.T if is_high else x)
    return x.reshape(update.shape)


def with_state(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Adafactor with what it keeps of each weight, as its first step would make it."""
    for group in optimizer.param_groups:
        for weight in group["params"]:
            state: dict[str, Tensor] = {"step": torch.zeros(())}
            if weight.dim() < 2:
                state["variance"] = torch.zeros_like(weight)
            else:
                state["row_var"] = torch.zeros_like(weight[..., :1])
                state["col_var"] = torch.zeros_like(weight[..., :1, :])
            optimizer.state[weight] = state
    return optimizer
