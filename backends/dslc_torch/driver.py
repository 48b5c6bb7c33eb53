"""The generated PyTorch model driven with NumPy arrays; in float64 it is what others are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from torch import Tensor, nn

from dslc.emit.driver import Driver
from dslc.emit.loading import load_module
from dslc.ir.types import FLOATS
from dslc.train.paths import frozen_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Array = NDArray[Any]

DTYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64}


@final
class TorchDriver(Driver):
    """Runs the model of one spec, what it freezes frozen as its training has it.

    Args:
        checked: The spec.
        source: The text of its `model.py`.
        dtype: "f32" for the floats that the spec has, or "f64" for every float in the model.
        device: Where it runs; float32 means float32 there.
    """

    differentiable = True
    layouts = ("spec",)

    def __init__(self, checked: Checked, source: str, dtype: str, device: str = "cpu") -> None:
        if dtype == "f64":
            source = source.replace("torch.float32", "torch.float64")
        self.dtype = DTYPES[dtype]
        self.device = torch.device(device)
        torch.backends.cudnn.allow_tf32 = False
        self.model = model_class(load_module(source, "model"))().to(self.device)
        types = checked.instance.inputs
        self.inputs = {n: DTYPES[t.dtype] if t.dtype in FLOATS else None for n, t in types.items()}
        if dtype == "f64":
            self.model.to(self.dtype)
            self.inputs = {name: own and self.dtype for name, own in self.inputs.items()}
        self.outputs = [name for name, _ in checked.instance.module.outputs]
        self.frozen = tuple(f"{path}." for path in frozen_paths(checked.instance))
        for name, weight in self.model.named_parameters():
            if f"{name}.".startswith(self.frozen):
                weight.requires_grad_(False)
        modules = self.model.modules()
        self.recurrent = {item: item.dropout for item in modules if isinstance(item, nn.RNNBase)}

    def load(self, weights: Mapping[str, Array]) -> None:
        """Takes the portable weights, all of them."""
        state = {name: torch.tensor(array, dtype=self.dtype) for name, array in weights.items()}
        self.model.load_state_dict(state, strict=True)

    def weights(self) -> dict[str, Array]:
        """The portable weights as they are now."""
        state = self.model.state_dict()
        kept = {name: value for name, value in state.items() if "num_batches" not in name}
        return {name: to_array(value) for name, value in kept.items()}

    def forward(self, inputs: Mapping[str, Array], *, training: bool = False) -> dict[str, Array]:
        """The outputs by name."""
        with torch.no_grad():
            outputs = self.run(self.tensors(inputs), training)
        return {name: to_array(value) for name, value in outputs.items()}

    def forward_and_gradients(
        self,
        inputs: Mapping[str, Array],
        cotangents: Mapping[str, Array],
        *,
        training: bool = False,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Both of one run."""
        tensors = self.tensors(inputs)
        sources = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        for name, tensor in tensors.items():
            if self.inputs[name] is not None:
                sources[f"input:{name}"] = nn.Parameter(tensor)
                tensors[name] = sources[f"input:{name}"]
        outputs = self.run(tensors, training)
        parts: list[Tensor] = [
            (outputs[name] * torch.tensor(array, dtype=self.dtype, device=self.device)).sum()
            for name, array in cotangents.items()
            if outputs[name].requires_grad
        ]
        arrays = {name: to_array(value) for name, value in outputs.items()}
        if not parts:
            return arrays, {name: np.zeros(source.shape) for name, source in sources.items()}
        found = torch.autograd.grad(
            torch.stack(parts).sum(),
            list(sources.values()),
            allow_unused=True,
            materialize_grads=True,
        )
        gradients = zip(sources, found, strict=True)
        return arrays, {name: to_array(value) for name, value in gradients}

    def epsilons(self) -> dict[str, float]:
        """The epsilon of every normalisation by its path."""
        modules: dict[str, Any] = dict(self.model.named_modules())
        return {name: module.eps for name, module in modules.items() if hasattr(module, "eps")}

    def tensors(self, inputs: Mapping[str, Array]) -> dict[str, Tensor]:
        """The inputs as tensors, floats in the model's dtype."""
        return {
            name: torch.tensor(inputs[name], dtype=dtype, device=self.device)
            for name, dtype in self.inputs.items()
        }

    def run(self, tensors: Mapping[str, Tensor], training: bool) -> dict[str, Tensor]:
        """The outputs by name, of inputs in the spec's order."""
        self.model.train(training)
        for name, module in self.model.named_modules():
            if f"{name}.".startswith(self.frozen):
                module.eval()
        for module, rate in self.recurrent.items():
            module.dropout = rate if training else 0.0
            module.train()  # cuDNN differentiates in this mode alone; dropout is what it changes
        found = self.model(*tensors.values())
        return found if isinstance(found, dict) else {self.outputs[0]: found}


def to_array(tensor: Tensor) -> Array:
    """A tensor's numbers, those of sixteen bits as float32."""
    is_short = tensor.dtype in (torch.float16, torch.bfloat16)
    return (tensor.float() if is_short else tensor).detach().cpu().numpy().copy()


def model_class(module: Any) -> type[nn.Module]:
    """The model's class: the last one that a generated module defines."""
    own = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and item.__module__ == module.__name__
    ]
    return own[-1]
