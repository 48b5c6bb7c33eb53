"""Helpers for recurrent layers, put into generated PyTorch modules word for word."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def one_bias(layer: nn.Module) -> nn.Module:
    """Freezes second biases at zero: two that move together learn twice as fast as one."""
    for name, bias in layer.named_parameters():
        if name.startswith("bias_hh"):
            nn.init.zeros_(bias).requires_grad_(False)
    return layer


def run_padded(layer: Callable[..., Any], x: Tensor, lengths: Tensor) -> Any:
    """A recurrent layer over as many places of each row as its length says; behind them zeros."""
    counts = lengths.clamp(min=1).to("cpu", torch.int64)
    y, last = layer(pack_padded_sequence(x, counts, batch_first=True, enforce_sorted=False))
    y, _ = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    some = (lengths > 0)[:, None]
    last = tuple(h * some for h in last) if isinstance(last, tuple) else last * some
    return y * some[:, :, None], last


def recurrent_step(
    mode: str, weights: Sequence[Tensor], x: Tensor, h: Tensor, c: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of a recurrent layer, each gate of which reads the state through a mask."""
    weight, recurrent, bias, recurrent_bias = weights
    read = torch.einsum("gnh,gkh->ngk", mask * h, recurrent.unflatten(0, (-1, h.shape[1])))
    new, old = F.linear(x, weight, bias), read.flatten(1) + recurrent_bias
    if mode == "LSTM":
        i, f, g, o = (new + old).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
    if mode == "GRU":
        parts = zip(new.chunk(3, 1), old.chunk(3, 1), strict=True)
        (r, r_old), (z, z_old), (n, n_old) = parts
        z = (z + z_old).sigmoid()
        h = (1 - z) * (n + (r + r_old).sigmoid() * n_old).tanh() + z * h
        return h, h
    h = (new + old).relu() if mode == "RNN_RELU" else (new + old).tanh()
    return h, h


def run_direction(layer: Any, k: int, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One layer in one direction: all its states, the last one and the last cell state."""
    n, time, _ = x.shape
    weights, hidden = layer.all_weights[k], layer.hidden_size
    mask = layer.state_dropout(x.new_ones(weights[1].shape[0] // hidden, n, hidden))
    h = c = x.new_zeros(n, hidden)
    states = [h] * time
    backwards = layer.bidirectional and k % 2 == 1
    for t in reversed(range(time)) if backwards else range(time):
        there = (t < lengths)[:, None]
        new_h, new_c = recurrent_step(layer.mode, weights, x[:, t], h, c, mask)
        h, c = torch.where(there, new_h, h), torch.where(there, new_c, c)
        states[t] = h * there
    return torch.stack(states, 1), h, c


def dropping(layer: nn.RNNBase, rate: float = 0.0) -> nn.RNNBase:
    """Gives a recurrent layer what drops parts of its state, and of what its layers hand on."""
    layer.between, layer.state_dropout = nn.Dropout(layer.dropout), nn.Dropout(rate)
    return layer


def run_dropping(layer: Any, x: Tensor, lengths: Tensor | None = None) -> Any:
    """A recurrent layer that in training drops parts of the state, the same at every step."""
    if not layer.training:
        return layer(x) if lengths is None else run_padded(layer, x, lengths)
    counts = x.new_full((x.shape[0],), x.shape[1]) if lengths is None else lengths
    directions = 2 if layer.bidirectional else 1
    ends: list[tuple[Tensor, Tensor]] = []
    for first in range(0, len(layer.all_weights), directions):
        x = layer.between(x) if first else x
        found = [run_direction(layer, k, x, counts) for k in range(first, first + directions)]
        ends += [(h, c) for _, h, c in found]
        x = torch.cat([y for y, _, _ in found], -1)
    last, state = (torch.stack(items) for items in zip(*ends, strict=True))
    return x, ((last, state) if layer.mode == "LSTM" else last)
