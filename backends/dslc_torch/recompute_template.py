"""Functions of `train.py` that recompute parts of the model in the backward pass.

They are taken from here by name. See `dslc.emit.template`.
"""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dslc.train.runtime.initial import matches

STATEFUL = True  # whether a model has statistics, or counts of what it draws

RECOMPUTED = ["layer.*"]


def recompute(model: nn.Module) -> None:
    """Has some parts of a model keep nothing for the backward pass but what they take."""
    for name, part in model.named_modules():
        if matches(RECOMPUTED, name):
            if STATEFUL:
                part.forward = partial(recomputed, part, part.forward)
            else:
                part.forward = partial(checkpoint, part.forward, use_reentrant=False)


def recomputed(part: nn.Module, forward: Callable[..., Any], *inputs: Any) -> Any:
    """What a part gives; its buffers move once."""
    before = [buffer.clone() for buffer in part.buffers()]

    def contexts() -> tuple[Any, Any]:
        return contextlib.nullcontext(), WithBuffers(part, before)

    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)


class WithBuffers:
    """Has a part with its buffers as they were for a while; for each backward pass anew."""

    def __init__(self, part: nn.Module, before: Sequence[Tensor]) -> None:
        self.part, self.before, self.after = part, before, before

    def __enter__(self) -> None:
        self.after = [buffer.clone() for buffer in self.part.buffers()]
        self.set(self.before)

    def __exit__(self, *_: object) -> None:
        self.set(self.after)

    def set(self, values: Sequence[Tensor]) -> None:
        """Has the buffers be some values."""
        for buffer, value in zip(self.part.buffers(), values, strict=True):
            buffer.copy_(value)
