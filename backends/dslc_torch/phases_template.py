"""The template of what a `train.py` with phases has otherwise, itself a program.

What stands here takes the place of what `training_template.py` has under the same name.
"""

# pyright: reportRedeclaration=false

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Array, Arrays, random_keys
from dslc.train.runtime.weights import match
from dslc_torch.training_template import (
    AVERAGES,
    AXES,
    BF16,
    CHANCE,
    COUNTED,
    DRAWS,
    EVERY,
    GROUPED,
    MOMENTS,
    SEEDED,
    UNREACHED,
    Batch,
    TheModel,
    Trainer,
    with_draws,
)

KEPT = {"critic": {"sum": "momentum_buffer"}}


class Phase:
    """A part of each step: a loss, and an optimiser of the weights that it moves."""

    if EVERY:

        def __init__(
            self,
            name: str,
            loss_of: Callable[[TheModel, Batch], Tensor],
            weights: dict[str, Tensor],
            optimizer: torch.optim.Optimizer,
            every: int = 1,
        ) -> None:
            self.name = name
            self.loss_of = loss_of
            self.weights = weights
            self.optimizer = optimizer
            self.every = every
            if UNREACHED:
                for weight in weights.values():
                    weight.grad = torch.zeros_like(
                        weight
                    )  # what the loss does not reach decays too

    else:

        def __init__(
            self,
            name: str,
            loss_of: Callable[[TheModel, Batch], Tensor],
            weights: dict[str, Tensor],
            optimizer: torch.optim.Optimizer,
        ) -> None:
            self.name = name
            self.loss_of = loss_of
            self.weights = weights
            self.optimizer = optimizer
            if UNREACHED:
                for weight in weights.values():
                    weight.grad = torch.zeros_like(
                        weight
                    )  # what the loss does not reach decays too

    def step(self, model: TheModel, batch: Batch, rate: float) -> Tensor:
        """One step of the optimiser; gives the loss of the batch before it."""
        for group in self.optimizer.param_groups:
            if GROUPED:
                group["lr"] = rate * group.get("scale", 1.0)
            else:
                group["lr"] = rate
        if BF16:
            with torch.autocast(next(model.parameters()).device.type, torch.bfloat16):
                loss = self.loss_of(model, batch)
        else:
            loss = self.loss_of(model, batch)
        if UNREACHED:
            self.optimizer.zero_grad(set_to_none=False)
        else:
            self.optimizer.zero_grad()
        loss.backward(inputs=list(self.weights.values()))
        self.optimizer.step()
        return loss.detach()


def below(weights: Mapping[str, Tensor], *models: str) -> dict[str, Tensor]:
    """The weights of some models."""
    return {name: weight for name, weight in weights.items() if name.split(".")[0] in models}


class PhasedTrainer(Trainer):
    """The models with an optimiser for each phase, on a device."""

    phases: list[Phase]

    def step(self, batch: Arrays, rates: Mapping[str, float]) -> dict[str, Tensor]:  # pyright: ignore
        """One step: the phases in turn, each with its loss before its optimiser moved anything."""
        if SEEDED:
            for count in self.draws:
                count.fill_(4096 * self.steps % 2**31)
        if CHANCE and not SEEDED:
            # what a step draws depends on the seed and its number alone
            torch.manual_seed(int(random_keys(1, self.seed, f"step {self.steps}")[0]))
        if DRAWS:
            batch = with_draws(batch, self.seed, self.steps)
        if CHANCE or DRAWS or EVERY:
            self.steps += 1
        tensors = self.tensors(batch)
        if EVERY:
            turn = [phase for phase in self.phases if self.steps % phase.every == 0]
        else:
            turn = self.phases
        if AVERAGES:
            losses = {f"{p.name}_loss": p.step(self.model, tensors, rates[p.name]) for p in turn}
            self.average()
            return losses
        else:  # noqa: RET505
            return {f"{p.name}_loss": p.step(self.model, tensors, rates[p.name]) for p in turn}

    if MOMENTS:

        def moments(self) -> dict[str, Array]:
            """What each optimiser keeps of each weight, as `critic.mean.head.weight`."""
            if AXES:
                return {
                    f"{phase.name}.{kind}.{name}": self.kept_of(phase, weight, key).numpy(
                        force=True
                    )
                    for phase in self.phases
                    for kind, key in KEPT[phase.name].items()
                    for name, weight in phase.weights.items()
                    if key in (phase.optimizer.state[weight] or KEPT[phase.name].values())
                }
            else:  # noqa: RET505
                return {
                    f"{phase.name}.{kind}.{name}": self.kept_of(phase, weight, key).numpy(
                        force=True
                    )
                    for phase in self.phases
                    for kind, key in KEPT[phase.name].items()
                    for name, weight in phase.weights.items()
                }

        def kept_of(self, phase: Phase, weight: Tensor, key: str) -> Tensor:
            """What an optimiser keeps of a weight; zeros before its first step."""
            return phase.optimizer.state[weight].get(key, torch.zeros_like(weight))

    def restore(self, found: Checkpoint) -> None:
        """Goes back to a checkpoint."""
        arrays = load_checkpoint(found)
        self.load(arrays["weights"], str(found.path))
        if MOMENTS:
            shapes = {name: array.shape for name, array in self.moments().items()}
            kept = match(arrays["optimizer"], shapes, source=str(found.path))
            for phase in self.phases:
                for name, weight in phase.weights.items():
                    state = phase.optimizer.state[weight]
                    if EVERY:
                        done = found.step // phase.every
                    else:
                        done = found.step
                    if COUNTED:
                        state["step"] = torch.tensor(float(done), device=self.device)
                    for kind, key in KEPT[phase.name].items():
                        if AXES and f"{phase.name}.{kind}.{name}" not in kept:
                            continue
                        # a tensor laid out like the weight: the fused step needs that
                        moment = torch.from_numpy(kept[f"{phase.name}.{kind}.{name}"])
                        if AXES:
                            state[key] = torch.empty_like(state.get(key, weight)).copy_(moment)
                        else:
                            state[key] = torch.empty_like(weight).copy_(moment)
        if AVERAGES:
            shapes = {name: weight.shape for name, weight in self.trained.items()}
            averages = match(arrays["averages"], shapes, source=str(found.path))
            for name, array in averages.items():
                self.averages[name].copy_(torch.from_numpy(array))
        if CHANCE or DRAWS or EVERY:
            self.steps = found.step
