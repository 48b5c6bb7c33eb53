"""The template of `train.py`, itself a program: it trains a linear classifier of wines.

What a spec decides stands above `Trainer` and is written anew for every project; the rest is taken
from here, with the flags decided. See `dslc.emit.template`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Array, Arrays, random_keys
from dslc.train.runtime.data_order import pieces
from dslc.train.runtime.initial import initial, kaiming_uniform, matches, zeros
from dslc.train.runtime.weights import match
from dslc_torch.parts_template import (
    COUNTS_EACH,
    FREEZES,
    FROZEN,
    make_scaler,
    moment_of,
    pick_device,
    restore_scaler,
    scaling_of,
    seed_draws,
    thawed_at,
)
from dslc_torch.recompute_template import recompute

ADAPTS = False  # whether only adapters of some matrices move
ACCUMULATES = False  # whether a batch is computed in pieces
AXES = False  # whether the optimiser keeps other things of matrices than of vectors
AVERAGES = False  # whether a moving average of the weights is kept
CLIPS = False  # whether gradients are clipped
CHANCE = True  # whether the model draws random numbers in training
COUNTED = True  # whether the optimiser counts its steps
DRAWS = False  # whether the training graph draws random numbers
EVERY = False  # whether a phase passes batches over
HELD = True  # whether some of the model is frozen, for good or at first
GROUPED = False  # whether weights have rates of their own
IMAGES = False  # whether channels last is the faster layout
MEASURES = True  # whether rows are held out
MOMENTS = True  # whether the optimiser keeps something of each weight
NORMS = True  # whether PyTorch's modules hold counters, which no other framework has
PARTIAL = True  # whether the model has parameters that are never trained
PHASED = False  # whether each step has phases
RECOMPUTES = False  # whether some parts are computed once more in the backward pass
REGULAR = False  # whether large weights add to the loss
SCALED = False  # whether the loss is scaled
SEEDED = False  # whether what the model draws is the same in every framework
THAWS = False  # whether weights are frozen at first
UNREACHED = True  # whether the loss leaves out some of what the model gives

INITIAL = [("**.weight", kaiming_uniform()), ("**", zeros())]
LEARNING_RATE = 0.1
ACCUMULATE = 2
EMA = 0.9
KEPT = {"sum": "momentum_buffer"}

Batch = dict[str, Tensor]


class TheModel(nn.Module):
    """Features to classes."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(13, 3)

    def forward(self, features: Tensor) -> Tensor:
        return self.head(features)


def loss_of(model: TheModel, batch: Batch) -> Tensor:
    """What training minimises."""
    return F.cross_entropy(model(batch["features"]), batch["label"])


def metrics_of(model: TheModel, batch: Batch) -> Batch:
    """The loss and the metrics of a batch."""
    return {"loss": loss_of(model, batch)}


def with_draws(batch: Arrays, seed: int, step: int | str) -> Arrays:
    """A batch with what its step draws."""
    del seed, step
    return batch


def make_optimizer(weights: Mapping[str, Tensor]) -> torch.optim.Optimizer:
    """The optimiser of the trained weights."""
    return torch.optim.SGD(weights.values(), LEARNING_RATE, 0.9)


def penalty_of(weights: Mapping[str, Tensor]) -> Tensor:
    """What large weights add to the loss."""
    return 0.1 * sum((w.square().sum() for w in weights.values()), torch.zeros(()))


class Trainer:
    """The model with its optimiser, on a device."""

    def __init__(self, seed: int, device: str = "auto") -> None:
        self.device = pick_device(device)
        self.model = TheModel()
        if not AVERAGES:
            self.load(initial(self.shapes(), INITIAL, seed), "the initial weights")
        if IMAGES:
            self.model.to(self.device, memory_format=torch.channels_last)  # pyright: ignore
        else:
            self.model.to(self.device)
        if AVERAGES:
            self.load(initial(self.shapes(), INITIAL, seed), "the initial weights")
        if FREEZES:
            for name, weight in self.model.named_parameters():
                if matches(FROZEN, name):
                    weight.requires_grad_(False)
        if HELD and not THAWS:
            self.set_mode()
        if RECOMPUTES:
            recompute(self.model)
        self.trained = dict(self.model.named_parameters())
        if PARTIAL or FREEZES:
            self.trained = {k: w for k, w in self.trained.items() if w.requires_grad}
        if ADAPTS:
            self.trained |= ADAPTING.add_adapters(seed)
        if PHASED:
            self.phases = make_phases(self.trained)
        else:
            if UNREACHED and not THAWS:
                for weight in self.trained.values():
                    weight.grad = torch.zeros_like(
                        weight
                    )  # what the loss does not reach decays too
            self.optimizer = make_optimizer(self.trained)
            if SCALED:
                self.scaler = make_scaler(self.device)
        if THAWS:
            self.thaw(0)
        if SEEDED:
            self.draws = seed_draws(self.model, seed)
        if (CHANCE and not SEEDED) or DRAWS:
            self.seed = seed
        if CHANCE or DRAWS or EVERY:
            self.steps = 0

    def step(self, batch: Arrays, rate: float) -> Tensor:
        """One step of the optimiser; gives the loss of the batch before it."""
        if SEEDED:
            for part in self.draws:
                part.count.fill_(4096 * self.steps % 2**31)
        if CHANCE and not SEEDED:
            # what a step draws depends on the seed and its number alone
            torch.manual_seed(int(random_keys(1, self.seed, f"step {self.steps}")[0]))
        if DRAWS:
            batch = with_draws(batch, self.seed, self.steps)
        if CHANCE or DRAWS:
            self.steps += 1
        for group in self.optimizer.param_groups:
            if GROUPED:
                group["lr"] = rate * group["scale"]
            else:
                group["lr"] = rate
        if ACCUMULATES:
            loss = self.in_pieces(batch)
        else:
            loss = loss_of(MODEL, self.tensors(batch))
            if REGULAR:
                loss = loss + penalty_of(self.trained)
            if UNREACHED:
                self.optimizer.zero_grad(set_to_none=False)
            else:
                self.optimizer.zero_grad()
            if SCALED:
                self.scaler.scale(loss).backward()
            else:
                loss.backward()
        if SCALED:
            if CLIPS:
                self.scaler.unscale_(self.optimizer)
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        if AVERAGES:
            self.average()
        return loss.detach()

    if ACCUMULATES and not PHASED:

        def in_pieces(self, batch: Arrays) -> Tensor:
            """The loss of a batch and its gradient, one part of the rows after the other."""
            if UNREACHED:
                self.optimizer.zero_grad(set_to_none=False)
            else:
                self.optimizer.zero_grad()
            if REGULAR:
                loss = penalty_of(self.trained)
                if SCALED and not THAWS:
                    self.scaler.scale(loss).backward()
                if SCALED and THAWS and loss.requires_grad:
                    self.scaler.scale(loss).backward()
                if not SCALED and not THAWS:
                    loss.backward()
                if not SCALED and THAWS and loss.requires_grad:
                    loss.backward()
            else:
                loss = torch.zeros((), device=self.device)
            for piece in pieces(batch, ACCUMULATE):
                share = loss_of(MODEL, self.tensors(piece)) / ACCUMULATE
                if SCALED:
                    self.scaler.scale(share).backward()
                else:
                    share.backward()
                loss = loss.detach() + share.detach()
            return loss

    if AVERAGES:

        @torch.no_grad()
        def average(self) -> None:
            """Moves the averages towards the weights."""
            for name, weight in self.trained.items():
                self.averages[name].lerp_(weight, 1 - EMA)

        def swap(self) -> None:
            """Exchanges the weights and their averages."""
            for name, weight in self.trained.items():
                weight.data, self.averages[name] = self.averages[name], weight.data

        def averaged(self) -> dict[str, Array]:
            """The weights, those that are trained as their averages."""
            self.swap()
            found = {name: array.copy() for name, array in self.weights().items()}
            self.swap()
            return found

    if MEASURES:

        @torch.no_grad()
        def measure(self, batch: Arrays) -> dict[str, float]:
            """The loss and the metrics of a batch, as the model is used after training."""
            if SEEDED:
                for part in self.draws:
                    part.count.fill_(2**31 - 4096)
            if DRAWS:
                batch = with_draws(batch, self.seed, "of held-out rows")
            if AVERAGES:
                self.swap()
            self.model.eval()
            found = metrics_of(MODEL, self.tensors(batch))
            if HELD:
                self.set_mode()
            else:
                self.model.train()
            if AVERAGES:
                self.swap()
            return {name: value.item() for name, value in found.items()}

    if HELD:

        def set_mode(self) -> None:
            """Trains; a frozen norm keeps to its running statistics or estimates."""
            self.model.train()
            for name, module in self.model.named_modules():
                if THAWS:
                    keeps = self.epoch < thawed_at(f"{name}.running_mean")
                else:
                    keeps = matches(FROZEN, f"{name}.running_mean")
                has_own = hasattr(module, "running_mean") or hasattr(module, "_u")
                if has_own and keeps:
                    module.eval()

    if THAWS:

        def thaw(self, epoch: int) -> None:
            """Lets everything move that is not frozen in an epoch."""
            self.epoch = epoch
            self.set_mode()
            for name, weight in self.trained.items():
                weight.requires_grad_(epoch >= thawed_at(name))
                if UNREACHED:  # what the loss does not reach decays too
                    weight.grad = torch.zeros_like(weight) if weight.requires_grad else None

    def tensors(self, batch: Arrays) -> Batch:
        """The columns of a batch on the device."""
        return {name: torch.from_numpy(array).to(self.device) for name, array in batch.items()}

    def weights(self) -> dict[str, Array]:
        """The weights under their portable names, which are the model's own."""
        state = self.model.state_dict()
        if NORMS:
            state = {k: value for k, value in state.items() if "num_batches_tracked" not in k}
        return {name: value.numpy(force=True) for name, value in state.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every weight."""
        return {name: array.shape for name, array in self.weights().items()}

    def load(self, arrays: Mapping[str, Array], source: str = "the weights") -> None:
        """Takes weights, all of them or none; `source` is what a message calls them."""
        weights = match(arrays, self.shapes(), source=source)
        state = {name: torch.from_numpy(array) for name, array in weights.items()}
        self.model.load_state_dict(state)
        if AVERAGES:
            weights = self.model.named_parameters()
            self.averages = {name: weight.detach().clone() for name, weight in weights}

    if MOMENTS:

        def moments(self) -> dict[str, Array]:
            """What the optimiser keeps of each weight, as `mean.head.weight`."""
            if AXES:
                return {name: tensor.numpy(force=True) for name, tensor in self.kept().items()}
            elif THAWS or SCALED:  # noqa: RET505
                return {
                    f"{kind}.{name}": moment_of(self.optimizer, weight, key).numpy(force=True)
                    for kind, key in KEPT.items()
                    for name, weight in self.trained.items()
                }
            else:
                return {
                    f"{kind}.{name}": self.optimizer.state[weight][key].numpy(force=True)
                    for kind, key in KEPT.items()
                    for name, weight in self.trained.items()
                }

    if AXES:

        def kept(self) -> dict[str, Tensor]:
            """The optimiser's tensors by those names."""
            return {
                f"{kind}.{name}": self.optimizer.state[weight][key]
                for kind, key in KEPT.items()
                for name, weight in self.trained.items()
                if key in self.optimizer.state[weight]
            }

    if AVERAGES:

        def kept_averages(self) -> dict[str, Array]:
            """The averages of the trained weights."""
            return {name: self.averages[name].numpy(force=True) for name in self.trained}

    def restore(self, found: Checkpoint) -> None:
        """Goes back to a checkpoint."""
        arrays = load_checkpoint(found)
        self.load(arrays["weights"], str(found.path))
        if AXES:
            kept = self.kept()
            shapes = {name: tensor.shape for name, tensor in kept.items()}
            for name, array in match(arrays["optimizer"], shapes, source=str(found.path)).items():
                kept[name].copy_(torch.from_numpy(array))
            if not COUNTS_EACH:
                for state in self.optimizer.state.values():
                    state["step"].fill_(found.step)
        elif MOMENTS:
            if THAWS or SCALED:
                shapes = {name: array.shape for name, array in self.moments().items()}
            else:
                shapes = {f"{kind}.{k}": w.shape for kind in KEPT for k, w in self.trained.items()}
            kept = match(arrays["optimizer"], shapes, source=str(found.path))
            for name, weight in self.trained.items():
                state = self.optimizer.state[weight]
                if COUNTED and not COUNTS_EACH:
                    state["step"] = torch.tensor(float(found.step), device=self.device)
                for kind, key in KEPT.items():
                    # a tensor laid out like the weight: the fused step needs that
                    moment = torch.from_numpy(kept[f"{kind}.{name}"])
                    if COUNTS_EACH:
                        like = torch.zeros((), device=self.device) if kind == "step" else weight
                        state[key] = torch.empty_like(like).copy_(moment)
                    else:
                        state[key] = torch.empty_like(weight).copy_(moment)
        if ADAPTS:
            ADAPTING.restore_adapters(arrays["adapters"], str(found.path))
        if AVERAGES:
            shapes = {name: weight.shape for name, weight in self.trained.items()}
            averages = match(arrays["averages"], shapes, source=str(found.path))
            for name, array in averages.items():
                self.averages[name].copy_(torch.from_numpy(array))
        if SCALED:
            restore_scaler(self.scaler, **arrays["scaling"])
        if CHANCE or DRAWS:
            self.steps = found.step

    if SCALED:

        def scaling(self) -> dict[str, Array]:
            """What a checkpoint keeps of the scaler."""
            return scaling_of(self.scaler)


MODEL: Any = None  # the model, with its adapters if it has some
ADAPTING: Any = None  # the trainer, with what `adapters_template.py` adds
make_phases: Any = None  # see `phases_template.py`
