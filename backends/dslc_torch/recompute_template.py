"""Functions of `train.py` that recompute parts of the model in the backward pass.

They are taken from here by name. See `dslc.emit.template`.
"""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from dslc.train.runtime.initial import matches

ADAPTS = True  # whether what is recomputed has adapters
COMPILES = True
STATEFUL = True  # whether a model has statistics, or counts of what it draws

RECOMPUTED = ["layer.*"]


def recompute(model: nn.Module) -> None:
    """Has some parts of a model keep nothing for the backward pass but what they take."""
    for name, part in model.named_modules():
        if matches(RECOMPUTED, name):
            if COMPILES and (STATEFUL or ADAPTS):
                run = partial(recomputed, part, torch.compile(part.forward))
                part.forward = torch.compiler.disable(run)
            elif STATEFUL or ADAPTS:
                part.forward = partial(recomputed, part, part.forward)
            else:
                part.forward = partial(checkpoint, part.forward, use_reentrant=False)


def recomputed(part: nn.Module, forward: Callable[..., Any], *inputs: Any) -> Any:
    """What a part gives; its buffers move once."""
    if ADAPTS:
        forward = with_weights(part, forward)
    if not STATEFUL:
        return checkpoint(forward, *inputs, use_reentrant=False)
    else:  # noqa: RET505
        before = [buffer.clone() for buffer in part.buffers()]

        def contexts() -> tuple[Any, Any]:
            return contextlib.nullcontext(), WithBuffers(part, before)

        return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)


def with_weights(part: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
    """What computes a part later with the weights that it has now, its adapters in them."""
    held = Held(part, forward)
    weights: dict[str, Tensor] = {
        f"part.{name}": weight for name, weight in part.named_parameters()
    }
    return lambda *inputs: functional_call(held, weights, inputs)


class Held(nn.Module):
    """A part that computes as a function says."""

    def __init__(self, part: nn.Module, run: Callable[..., Any]) -> None:
        super().__init__()
        self.part, self.run = part, run

    def forward(self, *inputs: Any) -> Any:
        return self.run(*inputs)


class WithBuffers:
    """Has a part with its buffers as they were for a while; for each backward pass anew."""

    def __init__(self, part: nn.Module, before: Sequence[Tensor]) -> None:
        self.part, self.before, self.after = part, before, before

    def __enter__(self) -> None:
        self.after = self.change([buffer.clone() for buffer in self.before])

    def __exit__(self, *_: object) -> None:
        self.change(self.after)

    def change(self, values: Sequence[Tensor]) -> list[Tensor]:
        """Puts some tensors in the place of the buffers, which it gives."""
        places = [
            (module, name)
            for module in self.part.modules()
            for name, _ in module.named_buffers(recurse=False)
        ]
        found = [getattr(module, name) for module, name in places]
        for (module, name), value in zip(places, values, strict=True):
            setattr(module, name, value)
        return found
