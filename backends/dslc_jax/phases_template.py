"""The template of what a `train.py` with phases has otherwise, itself a program.

What stands here takes the place of what `training_template.py` has under the same name.
"""

# pyright: reportRedeclaration=false, reportPossiblyUnboundVariable=false

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array

import dslc_jax.training_template as base
from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Arrays
from dslc.train.runtime.data_order import pieces
from dslc.train.runtime.weights import match
from dslc_jax.parts_template import (
    AXES,
    chosen,
    counted,
    restored,
    thawed_at,
)
from dslc_jax.training_template import (
    ACCUMULATES,
    AVERAGES,
    CHANCE,
    COUNTED,
    COUNTS_EACH,
    DRAWS,
    EVERY,
    MOMENTS,
    RATED,
    REGULAR,
    SCALED,
    THAWS,
    Batch,
    Portable,
    Trainer,
    with_draws,
)

TRAINED, CHAIN = base.TRAINED, base.CHAIN
KEPT = {"critic": {"sum": (0, "trace")}}


@dataclass
class Phase:
    """A part of each step: a loss, an optimiser, and the places of the weights that it moves."""

    name: str
    loss_of: Callable[[Any, Batch], Array]
    places: Sequence[int]
    optimizer: optax.GradientTransformationExtraArgs
    if EVERY:
        every: int = 1
    if ACCUMULATES:
        pieces: int = 1
    if REGULAR:
        penalty_of: Callable[[Mapping[str, Array]], Array] | None = None
    state: Any = None  # of the optimiser
    run: Any = None  # a step of it, compiled


def below(names: Sequence[str], *models: str) -> list[int]:
    """The places of the weights of some models."""
    return [place for place, name in enumerate(names) if name.split(".")[0] in models]


def without(names: Sequence[str], *others: str) -> list[int]:
    """The places of the weights of all but some models."""
    return [place for place, name in enumerate(names) if name.split(".")[0] not in others]


class PhasedTrainer(Trainer):
    """The models as flat lists of arrays, with an optimiser for each phase.

    The module is split once. A compiled function that takes lists and merges them inside costs
    a fraction of `nnx.jit`, which would take the module apart at every call.
    """

    phases: list[Phase]

    def train(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        phase: Phase,
        params: list[Array],
        rest: list[Array],
        state: Any,
        batch: Batch,
        rate: Array,
    ) -> tuple[list[Array], list[Array], Any, Array]:
        """What a phase computes."""

        def loss(
            trained: list[Array], rest: list[Array], batch: Batch
        ) -> tuple[Array, list[Array]]:
            whole = list(params)
            for place, weight in zip(phase.places, trained, strict=True):
                whole[place] = weight
            model = self.merged(self.training, whole, rest)
            value = phase.loss_of(model, batch)
            if ACCUMULATES:
                value = value / phase.pieces
            if SCALED:
                value = state.scale * value
            return value, jax.tree.leaves(nnx.split(model, TRAINED, ...)[2])

        trained = [params[place] for place in phase.places]
        gradient_of = jax.value_and_grad(loss, has_aux=True)
        if ACCUMULATES:
            value, gradients = jnp.zeros(()), [jnp.zeros_like(weight) for weight in trained]
            for piece in pieces(batch, phase.pieces):
                (share, rest), found = gradient_of(trained, rest, piece)
                value += share
                gradients = [g + more for g, more in zip(gradients, found, strict=True)]
        else:
            (value, rest), gradients = gradient_of(trained, rest, batch)
        if SCALED:
            value = value / state.scale
        if REGULAR and phase.penalty_of is not None:
            penalty, found = jax.value_and_grad(self.penalty)(trained, phase)
            value += penalty
            if SCALED:
                found = [state.scale * gradient for gradient in found]
            gradients = [g + more for g, more in zip(gradients, found, strict=True)]
        trained, state = self.moved(phase, trained, gradients, state, rate)
        params = list(params)
        for place, weight in zip(phase.places, trained, strict=True):
            params[place] = weight
        return params, rest, state, value

    def moved(
        self, phase: Phase, trained: list[Array], gradients: list[Array], state: Any, rate: Array
    ) -> tuple[list[Array], Any]:
        """The weights of a phase and the state of its optimiser after a step."""
        if THAWS:
            moves = [self.epoch >= thawed_at(self.names[place]) for place in phase.places]
            before, pairs = state, zip(gradients, moves, strict=True)
            gradients = [g if move else jnp.zeros_like(g) for g, move in pairs]
        updates: Any
        if RATED:
            updates, state = phase.optimizer.update(gradients, state, trained, rate=rate)
        else:
            updates, state = phase.optimizer.update(gradients, state, trained)
        if THAWS:
            updates, state = chosen((updates, state), (gradients, before), moves)
        return [w - rate * update for w, update in zip(trained, updates, strict=True)], state

    if REGULAR:

        def penalty(self, trained: list[Array], phase: Phase) -> Array:  # pyright: ignore
            """What large weights add to the loss of a phase."""
            names = [self.names[place] for place in phase.places]
            return phase.penalty_of(dict(zip(names, trained, strict=True)))  # pyright: ignore

    def step(self, batch: Arrays, rates: Mapping[str, float]) -> dict[str, Array]:  # pyright: ignore
        """One step: the phases in turn, each with its loss before its optimiser moved anything."""
        if CHANCE:
            # what a step draws depends on the seed and its number alone
            self.rest = self.counting(4096 * self.steps % 2**31)
        if DRAWS:
            batch = with_draws(batch, self.seed, self.steps)
        if CHANCE or DRAWS or EVERY:
            self.steps += 1
        losses: dict[str, Array] = {}
        for phase in self.phases:
            if EVERY and self.steps % phase.every:
                continue
            self.params, self.rest, phase.state, losses[f"{phase.name}_loss"] = phase.run(
                self.params, self.rest, phase.state, batch, np.float32(rates[phase.name])
            )
        if AVERAGES:
            self.averages = self.run_average(self.averages, self.params)
        return losses

    if MOMENTS:

        def moments(self) -> Portable:
            """What each optimiser keeps of each weight, as `critic.mean.head.weight`."""
            found: Portable = {}
            for phase in self.phases:
                for kind, (part, field) in KEPT[phase.name].items():
                    leaves = getattr(CHAIN[part], field)
                    for place, leaf in zip(phase.places, leaves, strict=True):
                        if AXES and leaf is None:
                            continue
                        found[f"{phase.name}.{kind}.{self.names[place]}"] = np.asarray(leaf)
            return found

    def restore(self, found: Checkpoint) -> None:
        """Goes back to a checkpoint."""
        arrays, source = load_checkpoint(found), str(found.path)
        self.load(arrays["weights"], source)
        if MOMENTS:
            shapes = {name: array.shape for name, array in self.moments().items()}
            kept = match(arrays["optimizer"], shapes, source=source)
            for phase in self.phases:
                names = [self.names[place] for place in phase.places]
                places = {f"{phase.name}.{kind}": at for kind, at in KEPT[phase.name].items()}
                if SCALED:
                    inner = restored(phase.state.inner, places, kept, names)
                    phase.state = phase.state._replace(inner=inner)
                else:
                    phase.state = restored(phase.state, places, kept, names)
                if COUNTED and not COUNTS_EACH and EVERY:
                    phase.state = counted(phase.state, found.step // phase.every)
                elif COUNTED and not COUNTS_EACH:
                    phase.state = counted(phase.state, found.step)
        if AVERAGES:
            shapes = {name: array.shape for name, array in self.kept_averages().items()}
            averages = match(arrays["averages"], shapes, source=source)
            self.averages = [jnp.asarray(averages[name]) for name in self.names]
        if SCALED:
            for phase in self.phases:
                for key in ("scale", "good"):
                    array = jnp.asarray(arrays["scaling"][f"{phase.name}.{key}"])
                    phase.state = phase.state._replace(**{key: array})
        if CHANCE or DRAWS or EVERY:
            self.steps = found.step

    if SCALED:

        def scaling(self) -> Portable:
            """What the losses are multiplied by, and for how many steps in a row that was good."""
            return {
                f"{phase.name}.{key}": np.asarray(getattr(phase.state, key))
                for phase in self.phases
                for key in ("scale", "good")
            }
