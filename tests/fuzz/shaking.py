"""How far float32 can be off: the judge in float32, each of its operations shaken by a last digit.

Inputs and weights that are rounded (as `dslc verify` has them) do not reach a decision behind what
saturates: `floor(log(exp(1)))` is 0 or 1, as the last digit falls. So the result of every operation,
forward and backward, is moved by up to one unit in its last place. Where that moves the judge itself,
no backend can be held to more. What only selects is exact: the largest of some numbers is one of them.
A sum of n numbers is moved by n / 8 such units: where they are added up one after the other, as in
TensorFlow, and many are the same, it is off by up to n / 2.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from dslc.tools.verify_figures import gradients_apart, values_apart
from dslc.tools.verify_reference import Case, Reference, run_through

SEED = 0xD161
LAST_PLACE = 2.0**-23
SUMS = ("aten::sum", "aten::mean", "aten::_adaptive_avg_pool2d", "aten::_adaptive_avg_pool3d")
NORM = "aten::native_batch_norm"
PRODUCT = "aten::prod"
LARGEST = 87.0
"""The logarithm of float32's largest number, nearly."""


class Shaken:
    """A PyTorch driver whose operations are inexact in the last place.

    Args:
        make: Makes the driver.
        seed: Which way each of them is.
    """

    def __init__(self, make: Callable[[], Any], seed: int = SEED) -> None:
        self.driver = make()
        self.seed = seed

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)

    def forward(self, inputs: Mapping[str, Any], *, training: bool = False) -> Any:
        """The outputs by name."""
        with shaking(self.seed):
            return self.driver.forward(inputs, training=training)

    def gradients(
        self, inputs: Mapping[str, Any], cotangents: Mapping[str, Any], *, training: bool = False
    ) -> Any:
        """The gradients of the sum of `output * cotangent`."""
        with shaking(self.seed):
            return self.driver.gradients(inputs, cotangents, training=training)


def shaking(seed: int = SEED) -> Any:
    """A context in which PyTorch's float32 results are moved in their last place."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    generator = torch.Generator().manual_seed(seed)

    def moved(value: Any, terms: float = 1) -> Any:
        if not isinstance(value, torch.Tensor) or value.dtype != torch.float32:
            return value
        steps = torch.randint(-1, 2, value.shape, generator=generator)
        steps = torch.where(value.abs() == 1, -steps.abs(), steps)  # a probability stays one
        return value * (1 + steps.to(torch.float32) * (LAST_PLACE * max(1, terms / 8)))

    def normed(value: Any, mean: Any, scale: Any, weight: Any) -> Any:
        """What a norm gives, as the mean that it subtracts moves it."""
        shift = moved(mean, value.numel() / max(1, mean.numel())) - mean
        shift = shift * scale if weight is None else shift * scale * weight
        return moved(value) + shift.reshape(-1, *[1] * (value.dim() - 2))

    class Shaking(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            name = func._schema.name
            if name == PRODUCT and overflows(*args):
                raise OverflowError("a product leaves float32: what comes is a matter of order")
            found = func(*args, **(kwargs or {}))
            if func is not torch.ops.aten.detach.default and (
                is_moving(func) or selects(found, args)
            ):
                return found
            if name == NORM and found[1].numel():
                return (normed(*found, args[1]), *map(moved, found[1:]))
            if name in SUMS:
                return moved(found, args[0].numel() / max(1, found.numel()))
            if isinstance(found, tuple | list):
                return type(found)(map(moved, found))
            return moved(found)

    def overflows(factors: Any, axis: Any = None, *_: Any) -> bool:
        """Whether factors may leave float32 before the last."""
        logs = torch.where(factors == 0, 0, factors.abs().double().log())
        return bool((logs.sum(axis).abs() > LARGEST).any())

    def is_moving(func: Any) -> bool:
        schema = func._schema
        return schema.is_mutable or any(item.alias_info for item in schema.returns)

    return Shaking()


def selects(found: Any, args: Any) -> bool:
    """Whether a result has no number that is not in what an operation read."""
    import torch

    given = [tensor.flatten() for tensor in floats(args)]
    made = [tensor.flatten() for tensor in floats([found])]
    if not given or not made:
        return False
    numbers = torch.cat([*given, torch.zeros(1)])
    return all(bool(torch.isin(tensor[tensor.isfinite()], numbers).all()) for tensor in made)


def floats(parts: Any) -> Iterator[Any]:
    """The float32 tensors among arguments, those in lists too."""
    import torch

    for part in parts:
        if isinstance(part, list | tuple):
            yield from floats(part)
        elif isinstance(part, torch.Tensor) and part.dtype == torch.float32:
            yield part


def own_noise(driver: Any, reference: Reference, case: Case) -> tuple[float, float]:
    """How far a model's outputs and gradients move where each number that it is given does.

    Weights and inputs are moved by one unit in their last place.
    """
    generator = np.random.default_rng(SEED)
    weights = stirred(reference.weights, generator)
    runs: list[tuple[Any, Any]] = []
    for own, inputs in (
        (reference.weights, case.inputs),
        (weights, stirred(case.inputs, generator)),
    ):
        moved = Case(inputs, case.cotangents, case.outputs, case.gradients, training=case.training)
        runs.append(run_through(driver, own, reference.buffers, moved, slopes=True))
    (outputs, gradients), (moved_outputs, moved_gradients) = runs
    apart = gradients_apart(moved_gradients, gradients).max_rel if gradients else 0.0
    return values_apart(moved_outputs, outputs).max_rel, apart


def stirred(arrays: Mapping[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    """Arrays whose floats are moved by one unit in the last place, up or down."""
    found = dict(arrays)
    for name, array in arrays.items():
        if array.dtype == np.float32:
            steps = generator.integers(0, 2, array.shape, np.int8) * 2 - 1
            found[name] = (array * (1 + LAST_PLACE * steps)).astype(np.float32)
    return found
