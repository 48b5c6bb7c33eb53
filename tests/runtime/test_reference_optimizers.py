"""The NumPy optimisers against PyTorch's own, in float64, under a changing rate."""

import numpy as np
import pytest

from tests.runtime.reference_optimizers import SGD, AdamW

torch = pytest.importorskip("torch", reason="missing: torch")
pytestmark = pytest.mark.torch

RATES = [0.1, 0.1, 0.02, 0.05, 0.05, 0.001]


def largest_difference(reference: object, make_torch) -> float:
    """Six steps of both on the same gradients; the largest difference relative to the weights."""
    generator = np.random.default_rng(0)
    weights = {"a": generator.normal(size=(3, 4)), "b": generator.normal(size=5)}
    tensors = [torch.nn.Parameter(torch.tensor(weight)) for weight in weights.values()]
    optimizer = make_torch(tensors)
    worst = 0.0
    for rate in RATES:
        gradients = {name: generator.normal(size=w.shape) for name, w in weights.items()}
        weights = reference.step(weights, gradients, rate)
        for tensor, gradient in zip(tensors, gradients.values(), strict=True):
            tensor.grad = torch.tensor(gradient)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        for tensor, weight in zip(tensors, weights.values(), strict=True):
            worst = max(worst, float(np.abs(tensor.detach().numpy() - weight).max()))
    return worst


@pytest.mark.parametrize(
    ("momentum", "nesterov", "decay"),
    [(0.0, False, 0.0), (0.9, False, 0.0), (0.9, True, 0.0), (0.9, True, 0.1), (0.0, False, 0.1)],
)
def test_sgd(momentum, nesterov, decay):
    def make(tensors):
        return torch.optim.SGD(tensors, 0.1, momentum, 0, decay, nesterov=nesterov)

    assert largest_difference(SGD(momentum, nesterov=nesterov, weight_decay=decay), make) < 1e-14


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw(decay):
    def make(tensors):
        return torch.optim.AdamW(tensors, 0.1, (0.9, 0.99), 1e-3, decay)

    assert largest_difference(AdamW((0.9, 0.99), 1e-3, decay), make) < 1e-13


def test_the_comparison_sees_a_misplaced_epsilon():
    def make(tensors):
        return torch.optim.AdamW(tensors, 0.1, (0.9, 0.99), 1.01e-3, 0.0)

    assert largest_difference(AdamW((0.9, 0.99), 1e-3), make) > 1e-7
