"""Functions of `train.py` beside its trainer: 16 bits, a scaled loss, weights that thaw, devices.

They are taken from here by name. See `dslc.emit.template`.
"""

import math
import os
import shutil
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from dslc.train.runtime.data import Array, random_keys
from dslc.train.runtime.initial import matches

COMPILES = False  # whether the loss is compiled
COUNTS_EACH = False  # whether weights have made different numbers of steps
FREEZES = True  # whether some of the model is not trained

FROZEN = ["head.bias"]
THAWED = {"head.bias": 1}
HALF = torch.bfloat16
LOSS_SCALE = 65536.0
GROWTH = 2000


def in_half(model: Any) -> Any:
    """A model that computes in numbers of 16 bits where that is good enough; it gives float32."""

    def cast(value: Tensor) -> Tensor:
        return value.float() if value.is_floating_point() else value

    def run(*inputs: Any) -> Any:
        device = next(value for value in inputs if isinstance(value, Tensor)).device
        with torch.autocast(device.type, HALF):
            outputs = model(*inputs)
        return tree_map(cast, outputs)

    return run


def thawed_at(name: str) -> float:
    """The epoch from which on a weight moves."""
    if FREEZES and matches(FROZEN, name):
        return math.inf
    return next((epoch for glob, epoch in THAWED.items() if matches([glob], name)), 0)


def moment_of(optimizer: torch.optim.Optimizer, weight: Tensor, key: str) -> Tensor:
    """What an optimiser keeps of a weight; zeros before its first step."""
    if COUNTS_EACH:
        empty = torch.zeros(()) if key == "step" else torch.zeros_like(weight)
        return optimizer.state[weight].get(key, empty)
    else:  # noqa: RET505
        return optimizer.state[weight].get(key, torch.zeros_like(weight))


def make_scaler(device: torch.device) -> torch.amp.GradScaler:
    """What multiplies the loss, so that small gradients are no zeros in float16."""
    return torch.amp.GradScaler(device.type, LOSS_SCALE, growth_interval=GROWTH)


def scaling_of(scaler: torch.amp.GradScaler) -> dict[str, Array]:
    """What the loss is multiplied by, and for how many steps in a row that was good."""
    state: dict[str, Any] = scaler.state_dict()
    found = {"scale": state["scale"], "good": state["_growth_tracker"]}
    return {name: np.array(value, np.float32) for name, value in found.items()}


def restore_scaler(scaler: torch.amp.GradScaler, scale: Array, good: Array) -> None:
    """Goes back to what a checkpoint kept of a scaler."""
    found = {"scale": float(scale), "_growth_tracker": int(good)}
    scaler.load_state_dict({**scaler.state_dict(), **found})


def seed_draws(model: nn.Module, seed: int) -> list[Any]:
    """Gives all that draws in a model its key, from the seed and its path."""
    found: dict[str, Any] = {n: part for n, part in model.named_modules() if hasattr(part, "bits")}
    for name, part in found.items():
        key = random_keys(1, seed, name.removesuffix(".dropout"))
        part.key.fill_(int(key[0]) >> 33)
    return list(found.values())


def pick_device(name: str) -> torch.device:
    """The device of a name; float32 means float32 there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if COMPILES and name == "cpu":
        compiler = os.environ.get("CXX", "g++")
        if shutil.which(compiler) is None:
            what = f"train.py: compiling on a CPU takes a C++ compiler, and there is no {compiler}"
            raise SystemExit(f"{what}: name another as CXX, or leave `compile` out of the spec")
    torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)
