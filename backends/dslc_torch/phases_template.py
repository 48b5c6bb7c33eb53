"""The template of what a `train.py` with phases has otherwise, itself a program.

What stands here takes the place of what `training_template.py` has under the same name.
"""

# pyright: reportRedeclaration=false

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Array, Arrays, random_keys
from dslc.train.runtime.data_order import pieces
from dslc.train.runtime.weights import match
from dslc_torch.parts_template import (
    COUNTS_EACH,
    make_scaler,
    moment_of,
    restore_scaler,
    scaling_of,
)
from dslc_torch.training_template import (
    ACCUMULATES,
    AVERAGES,
    AXES,
    CHANCE,
    CLIPS,
    COUNTED,
    DRAWS,
    EVERY,
    GROUPED,
    MOMENTS,
    REGULAR,
    SCALED,
    SEEDED,
    THAWS,
    UNREACHED,
    Batch,
    TheModel,
    Trainer,
    with_draws,
)

KEPT = {"critic": {"sum": "momentum_buffer"}}


@dataclass
class Phase:
    """A part of each step: a loss, and an optimiser of the weights that it moves."""

    name: str
    loss_of: Callable[[TheModel, Batch], Tensor]
    weights: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    if EVERY:
        every: int = 1
    if ACCUMULATES:
        pieces: int = 1
    if REGULAR:
        penalty_of: Callable[[Mapping[str, Tensor]], Tensor] | None = None

    if (UNREACHED and not THAWS) or SCALED:

        def __post_init__(self) -> None:
            if UNREACHED and not THAWS:
                for weight in self.weights.values():
                    weight.grad = torch.zeros_like(
                        weight
                    )  # what the loss does not reach decays too
            if SCALED:
                device = next(iter(self.weights.values())).device
                self.scaler = make_scaler(device)

    def step(self, model: TheModel, batch: Batch, rate: float) -> Tensor:
        """One step of the optimiser; gives the loss of the batch before it."""
        for group in self.optimizer.param_groups:
            if GROUPED:
                group["lr"] = rate * group.get("scale", 1.0)
            else:
                group["lr"] = rate
        if UNREACHED:
            self.optimizer.zero_grad(set_to_none=False)
        else:
            self.optimizer.zero_grad()
        if ACCUMULATES:
            loss = torch.zeros((), device=next(iter(batch.values())).device)
            for piece in pieces(batch, self.pieces):
                share = self.loss_of(model, piece) / self.pieces
                self.backward(share)
                loss += share.detach()
            if REGULAR and self.penalty_of is not None:
                penalty = self.penalty_of(self.weights)
                self.backward(penalty)
                loss += penalty.detach()
        else:
            loss = self.loss_of(model, batch)
            if REGULAR and self.penalty_of is not None:
                loss = loss + self.penalty_of(self.weights)
            if ACCUMULATES or THAWS or SCALED:
                self.backward(loss)
            else:
                loss.backward(inputs=list(self.weights.values()))
        if SCALED:
            if CLIPS:
                self.scaler.unscale_(self.optimizer)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        return loss.detach()

    if ACCUMULATES or THAWS or SCALED:

        def backward(self, loss: Tensor) -> None:
            """Adds to the gradients of the weights that this phase moves."""
            if THAWS and REGULAR and not loss.requires_grad:
                return  # a penalty of weights that are all frozen
            if THAWS:
                moved = [weight for weight in self.weights.values() if weight.requires_grad]
            else:
                moved = list(self.weights.values())
            if SCALED:
                self.scaler.scale(loss).backward(inputs=moved)
            else:
                loss.backward(inputs=moved)


def below(weights: Mapping[str, Tensor], *models: str) -> dict[str, Tensor]:
    """The weights of some models."""
    return {name: weight for name, weight in weights.items() if name.split(".")[0] in models}


def without(weights: Mapping[str, Tensor], *others: str) -> dict[str, Tensor]:
    """The weights of all but some models."""
    return {name: weight for name, weight in weights.items() if name.split(".")[0] not in others}


class PhasedTrainer(Trainer):
    """The models with an optimiser for each phase, on a device."""

    phases: list[Phase]

    def step(self, batch: Arrays, rates: Mapping[str, float]) -> dict[str, Tensor]:  # pyright: ignore
        """One step: the phases in turn, each with its loss before its optimiser moved anything."""
        if SEEDED:
            for part in self.draws:
                part.count.fill_(4096 * self.steps % 2**31)
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
                    f"{phase.name}.{kind}.{name}": moment_of(phase.optimizer, weight, key).numpy(
                        force=True
                    )
                    for phase in self.phases
                    for kind, key in KEPT[phase.name].items()
                    for name, weight in phase.weights.items()
                    if key in (phase.optimizer.state[weight] or KEPT[phase.name].values())
                }
            else:  # noqa: RET505
                return {
                    f"{phase.name}.{kind}.{name}": moment_of(phase.optimizer, weight, key).numpy(
                        force=True
                    )
                    for phase in self.phases
                    for kind, key in KEPT[phase.name].items()
                    for name, weight in phase.weights.items()
                }

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
                    if COUNTED and not COUNTS_EACH and EVERY:
                        done = float(found.step // phase.every)
                        state["step"] = torch.tensor(done, device=self.device)
                    elif COUNTED and not COUNTS_EACH:
                        state["step"] = torch.tensor(float(found.step), device=self.device)
                    for kind, key in KEPT[phase.name].items():
                        if AXES and f"{phase.name}.{kind}.{name}" not in kept:
                            continue
                        # a tensor laid out like the weight: the fused step needs that
                        moment = torch.from_numpy(kept[f"{phase.name}.{kind}.{name}"])
                        if COUNTS_EACH:
                            like = moment_of(phase.optimizer, weight, key)
                            state[key] = torch.empty_like(like, device=self.device).copy_(moment)
                        elif AXES:
                            state[key] = torch.empty_like(state.get(key, weight)).copy_(moment)
                        else:
                            state[key] = torch.empty_like(weight).copy_(moment)
        if AVERAGES:
            shapes = {name: weight.shape for name, weight in self.trained.items()}
            averages = match(arrays["averages"], shapes, source=str(found.path))
            for name, array in averages.items():
                self.averages[name].copy_(torch.from_numpy(array))
        if SCALED:
            for phase in self.phases:
                kept = {k: arrays["scaling"][f"{phase.name}.{k}"] for k in ("scale", "good")}
                restore_scaler(phase.scaler, **kept)
        if CHANCE or DRAWS or EVERY:
            self.steps = found.step

    if SCALED:

        def scaling(self) -> dict[str, Array]:
            """What a checkpoint keeps of the scalers."""
            return {
                f"{phase.name}.{key}": array
                for phase in self.phases
                for key, array in scaling_of(phase.scaler).items()
            }
