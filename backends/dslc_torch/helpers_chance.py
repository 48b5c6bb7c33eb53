"""Helpers that draw at random, put into generated PyTorch modules word for word."""

import torch
from torch import Tensor


def categorical(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """A class for each row of logits, drawn at a temperature; at 0 it is the likeliest."""
    noise = -torch.empty_like(logits).exponential_().log()
    return (logits + temperature * noise).argmax(-1)


def reparameterize(mean: Tensor, log_variance: Tensor, temperature: float = 1.0) -> Tensor:
    """Normal numbers of a mean and a variance, through which gradients pass."""
    std = (log_variance / 2).exp()
    return mean + temperature * std * torch.randn_like(mean + std)
