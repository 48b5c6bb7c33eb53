"""The template of what a `train.py` with adapters of low rank has beside the rest, itself a program.

See `training_template.py`, whose class gets these methods.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from dslc.train.runtime.data import Array
from dslc.train.runtime.weights import match
from dslc_torch.training_template import Trainer

SCALE = 2.0
make_adapters: Any = None  # see `script_template.py`


class AdaptedTrainer(Trainer):
    """The model with its optimiser, on a device."""

    adapters: dict[str, nn.Parameter]

    def add_adapters(self, seed: int) -> dict[str, nn.Parameter]:
        """Makes the adapters."""
        self.adapters = {
            name: nn.Parameter(torch.from_numpy(array).to(self.device))
            for name, array in make_adapters(self.shapes(), seed).items()
        }
        return self.adapters

    def adapted(self, *inputs: Any) -> Any:
        """What the model gives with its adapters."""
        return functional_call(self.model, self.sums(), inputs)

    def sums(self) -> dict[str, Tensor]:
        """Each weight that is adapted, with what its adapters add."""
        return {
            name: weight + SCALE * self.adapters[f"{name}.lora_b"] @ self.adapters[f"{name}.lora_a"]
            for name, weight in self.model.named_parameters()
            if f"{name}.lora_a" in self.adapters
        }

    def adapted_weights(self) -> dict[str, Array]:
        """The weights, those that are adapted with what their adapters add."""
        found = {name: weight.numpy(force=True) for name, weight in self.sums().items()}
        return {**self.weights(), **found}

    def kept_adapters(self) -> dict[str, Array]:
        """The adapters."""
        return {name: adapter.numpy(force=True) for name, adapter in self.adapters.items()}

    def restore_adapters(self, arrays: Mapping[str, Array], source: str) -> None:
        """Goes back to the adapters of a checkpoint."""
        shapes = {name: tuple(adapter.shape) for name, adapter in self.adapters.items()}
        for name, array in match(arrays, shapes, source=source).items():
            self.adapters[name].data.copy_(torch.from_numpy(array))
