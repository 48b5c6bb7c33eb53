"""Watches what every layer of a PyTorch model takes and gives during a step."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dslc.train.runtime.faults import Sight, first_fault, sight


def find_fault(trainer: Any, batch: dict[str, NDArray[Any]], rate: Any) -> str:
    """Does a step once more and says where its loss stops being a number.

    Args:
        trainer: the trainer before the step.
        batch: the rows of the step.
        rate: the rate of the step, or those of its phases.
    """
    count = len(next(iter(batch.values())))

    def compute() -> list[Sight]:
        return watched(trainer, batch, rate, count)

    return first_fault(trainer, compute, count)


def watched(trainer: Any, batch: dict[str, NDArray[Any]], rate: Any, count: int) -> list[Sight]:
    """What the layers took and gave in a step, in order."""
    seen: list[Sight] = []
    names = {module: name for name, module in trainer.model.named_modules()}

    def takes(module: nn.Module, args: Any) -> None:
        seen.append(sight(names[module], False, arrays(args), count))

    def gives(module: nn.Module, _: Any, output: Any) -> None:
        seen.append(sight(names[module], True, arrays(output), count))

    hooks = [module.register_forward_pre_hook(takes) for module in names]
    hooks += [module.register_forward_hook(gives) for module in names]
    with torch.compiler.set_stance("force_eager"):  # what is compiled calls no hooks
        trainer.step(batch, rate)
    for hook in hooks:
        hook.remove()
    return seen


def arrays(value: Any) -> list[NDArray[Any]]:
    """The tensors of something nested."""
    return [np.asarray(tensor.detach().float().cpu()) for tensor in tensors(value)]


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors with floats in something nested."""
    if isinstance(value, Tensor):
        if torch.is_floating_point(value):
            yield value
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors(item)
