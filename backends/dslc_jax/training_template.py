"""The template of `train.py`, itself a program: it trains a linear classifier of wines.

What a spec decides stands above `Trainer` and is written anew for every project; the rest is taken
from here, with the flags decided. See `dslc.emit.template`.
"""

# Trees of arrays have no types that a checker could follow.
# pyright: reportUnknownLambdaType=false, reportPossiblyUnboundVariable=false

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array

from dslc.train.runtime.checkpoint import Checkpoint
from dslc.train.runtime.checkpoint import load as load_checkpoint
from dslc.train.runtime.data import Arrays
from dslc.train.runtime.data_order import pieces
from dslc.train.runtime.initial import initial, kaiming_uniform, matches, zeros
from dslc.train.runtime.weights import match
from dslc_jax.parts_template import (
    AXES,
    FREEZES,
    FROZEN,
    THAWED,
    chosen,
    counted,
    keep_statistics,
    restored,
    seed_draws,
    thaw_statistics,
    thawed_at,
    use_device,
)
from dslc_jax.recompute_template import recompute
from dslc_jax.runtime.portable import (
    axes_of,
    empty,
    load_weights,
    names_of,
    shapes_of,
    to_portable,
)

ADAPTS = False  # whether only adapters of some matrices move
ACCUMULATES = False  # whether a batch is computed in pieces
AVERAGES = False  # whether a moving average of the weights is kept
CHANCE = True  # whether the model draws random numbers in training
COUNTED = False  # whether the optimiser counts its steps
COUNTS_EACH = False  # whether weights have made different numbers of steps
DRAWS = False  # whether the training graph draws random numbers
EVERY = False  # whether a phase passes batches over
MEASURES = True  # whether rows are held out
MIXED = False  # whether the model computes in numbers of 16 bits
MOMENTS = True  # whether the optimiser keeps something of each weight
PHASED = False  # whether each step has phases
RATED = False  # whether the optimiser has to know the learning rate
RECOMPUTES = False  # whether some parts are computed once more in the backward pass
REGULAR = False  # whether large weights add to the loss
SCALED = False  # whether the loss is scaled
THAWS = False  # whether weights are frozen at first
SEEDED = False  # whether what the model draws is the same in every framework

INITIAL = [("**.weight", kaiming_uniform()), ("**", zeros())]
HALF = jnp.bfloat16
ACCUMULATE = 2
EMA = 0.9
KEPT = {"sum": (0, "trace")}

Batch = Mapping[str, Array]
Portable = dict[str, np.ndarray]


class TheModel(nnx.Module):
    """Features to classes."""

    def __init__(self, *, io_layout: str = "spec", rngs: nnx.Rngs) -> None:
        del io_layout
        self.head = nnx.Linear(13, 3, rngs=rngs)

    def __call__(self, features: Array) -> Array:
        return self.head(features)


def loss_of(model: Callable[..., Array], batch: Batch) -> Array:
    """What training minimises."""
    scores = jax.nn.log_softmax(model(batch["features"]))
    return -jnp.take_along_axis(scores, batch["label"][:, None], 1).mean()


def metrics_of(model: Callable[..., Array], batch: Batch) -> dict[str, Array]:
    """The loss and the metrics of a batch."""
    return {"loss": loss_of(model, batch)}


def with_draws(batch: Arrays, seed: int, step: int | str) -> Arrays:
    """A batch with what its step draws."""
    del seed, step
    return batch


def make_optimizer(
    names: Sequence[str] = (), axes: Mapping[str, Any] | None = None
) -> optax.GradientTransformationExtraArgs:
    """The optimiser of the trained weights; the step multiplies by the learning rate."""
    del names, axes
    return optax.chain(optax.trace(0.9))


def penalty_of(weights: Mapping[str, Array]) -> Array:
    """What large weights add to the loss."""
    return 0.1 * sum((jnp.square(w).sum() for w in weights.values()), jnp.zeros(()))


class Trainer:
    """The model as flat lists of arrays, with its optimiser and what is compiled for them.

    The module is split once. A compiled function that takes lists and merges them inside costs
    a fraction of `nnx.jit`, which would take the module apart at every call.
    """

    def __init__(self, seed: int, device: str = "auto") -> None:
        use_device(device)
        self.model = empty(lambda: TheModel(MADE_OF))  # noqa: F821  # pyright: ignore
        if RECOMPUTES:
            recompute(self.model)
        if SEEDED:
            seed_draws(self.model, seed)
        self.shapes = shapes_of(self.model)
        self.model.eval()
        self.inference = nnx.graphdef(self.model)
        self.model.train()
        names = names_of(self.model)
        if FREEZES and not THAWS:
            keep_statistics(self.model)
        if FREEZES:
            self.frozen = {path for path, name in names.items() if matches(FROZEN, name)}
        self.training, params, rest = nnx.split(self.model, TRAINED, ...)
        self.trees = jax.tree.structure(params), jax.tree.structure(rest)
        self.names = [names[path] for path, _ in nnx.to_flat_state(params)]
        if CHANCE:
            self.counts = [isinstance(x, nnx.RngCount) for _, x in nnx.to_flat_state(rest)]
        if DRAWS:
            self.seed = seed
        if CHANCE or DRAWS or EVERY:
            self.steps = 0
        if ADAPTS:
            self.names += ADAPTING.add_adapters(seed, rest)
        self.load(initial(self.shapes, INITIAL, seed), "the initial weights")
        if PHASED:
            if AXES:
                self.phases = make_phases(self.names, axes_of(self.model))
            else:
                self.phases = make_phases(self.names)
            for phase in self.phases:
                phase.state = jax.jit(phase.optimizer.init)([self.params[k] for k in phase.places])
                if not THAWS:
                    phase.run = jax.jit(partial(self.train, phase), donate_argnums=(0, 1, 2))
        else:
            self.optimizer = make_optimizer(GIVEN)  # noqa: F821  # pyright: ignore
            self.state: Any = jax.jit(self.optimizer.init)(self.params)
            if not THAWS:
                self.run_step = jax.jit(self.train, donate_argnums=(0, 1, 2))
        if THAWS:
            self.stage: list[int] | None = None
            self.thaw(0)
        if AVERAGES:
            self.run_average = jax.jit(self.average, donate_argnums=0)
        if MEASURES:
            self.run_metrics = jax.jit(self.evaluate)

    if FREEZES:

        def is_trained(self, path: tuple[Any, ...], variable: Any) -> bool:
            """Whether training moves a variable."""
            return isinstance(variable, nnx.Param) and path not in self.frozen

    def merged(self, graph: Any, params: list[Array], rest: list[Array]) -> TheModel:
        """The module from its parts."""
        if ADAPTS:
            params, rest = ADAPTING.adapted(params, rest)
        if MIXED:
            params = [param.astype(HALF) for param in params]
        parts = map(jax.tree.unflatten, self.trees, (params, rest))
        return nnx.merge(graph, *parts, copy=True)

    def train(
        self, params: list[Array], rest: list[Array], state: Any, batch: Batch, rate: Array
    ) -> tuple[list[Array], list[Array], Any, Array]:
        """What a step computes."""

        def loss(params: list[Array], rest: list[Array], batch: Batch) -> tuple[Array, list[Array]]:
            model = self.merged(self.training, params, rest)
            value = loss_of(model, batch)
            if ACCUMULATES:
                value = value / ACCUMULATE
            elif REGULAR:
                value = value + self.penalty(params)
            if SCALED:
                value = state.scale * value
            return value, LEAVES(nnx.split(model, TRAINED, ...)[2])  # noqa: F821  # pyright: ignore

        gradient_of = jax.value_and_grad(loss, has_aux=True)
        if ACCUMULATES:
            if REGULAR:
                value, gradients = jax.value_and_grad(self.penalty)(params)
                if SCALED:
                    value, gradients = state.scale * value, [state.scale * g for g in gradients]
            else:
                value, gradients = jnp.zeros(()), [jnp.zeros_like(param) for param in params]
            for piece in pieces(batch, ACCUMULATE):
                (share, rest), found = gradient_of(params, rest, piece)
                value += share
                gradients = [g + more for g, more in zip(gradients, found, strict=True)]
        else:
            (value, rest), gradients = gradient_of(params, rest, batch)
        if SCALED:
            value = value / state.scale
        if THAWS:
            before, moves = state, [self.epoch >= thawed_at(name) for name in self.names]
            pairs = zip(gradients, moves, strict=True)
            gradients = [g if move else jnp.zeros_like(g) for g, move in pairs]
        updates: Any
        if RATED:
            updates, state = self.optimizer.update(gradients, state, params, rate=rate)
        else:
            updates, state = self.optimizer.update(gradients, state, params)
        if THAWS:
            updates, state = chosen((updates, state), (gradients, before), moves)
        params = [param - rate * update for param, update in zip(params, updates, strict=True)]
        return params, rest, state, value

    if THAWS:

        def thaw(self, epoch: int) -> None:
            """Lets everything move that is not frozen in an epoch; a new step is compiled for it."""
            self.epoch = epoch
            stage = [at for at in THAWED.values() if at <= epoch]
            if stage == self.stage:
                return
            self.stage = stage
            thaw_statistics(self.model, epoch)
            self.training = nnx.graphdef(self.model)
            if PHASED:
                for phase in self.phases:
                    phase.run = jax.jit(partial(self.train, phase), donate_argnums=(0, 1, 2))
            else:
                self.run_step = jax.jit(partial(self.train), donate_argnums=(0, 1, 2))

    if REGULAR:

        def penalty(self, params: list[Array]) -> Array:
            """What large weights add to the loss."""
            return penalty_of(dict(zip(self.names, params, strict=True)))

    def step(self, batch: Arrays, rate: float) -> Array:
        """One step of the optimiser; gives the loss of the batch before it."""
        if CHANCE:
            # what a step draws depends on the seed and its number alone
            self.rest = self.counting(4096 * self.steps % 2**31)
        if DRAWS:
            batch = with_draws(batch, self.seed, self.steps)
        if CHANCE or DRAWS:
            self.steps += 1
        self.params, self.rest, self.state, loss = self.run_step(
            self.params, self.rest, self.state, batch, np.float32(rate)
        )
        if AVERAGES:
            self.averages = self.run_average(self.averages, self.params)
        return loss

    if AVERAGES:

        def average(self, averages: list[Array], params: list[Array]) -> list[Array]:
            """The averages, moved towards the weights."""
            return [a + (1 - EMA) * (w - a) for a, w in zip(averages, params, strict=True)]

        def averaged(self) -> Portable:
            """The weights, those that are trained as their averages."""
            own, self.params = self.params, self.averages
            found = {name: np.array(array) for name, array in self.weights().items()}
            self.params = own
            return found

        def kept_averages(self) -> Portable:
            """The averages of the trained weights, as the model lays them out."""
            return dict(zip(self.names, map(np.asarray, self.averages), strict=True))

    if CHANCE:

        def counting(self, start: int) -> list[Array]:
            """What is not trained, with the draws counted from a number."""
            count = np.uint32(start)
            parts = zip(self.rest, self.counts, strict=True)
            return [jnp.asarray(count) if counts else part for part, counts in parts]

    if MEASURES:

        def evaluate(
            self, params: list[Array], rest: list[Array], batch: Batch
        ) -> dict[str, Array]:
            """What a measurement computes."""
            model = self.merged(self.inference, params, rest)
            return metrics_of(model, batch)

        def measure(self, batch: Arrays) -> dict[str, float]:
            """The loss and the metrics of a batch, as the model is used after training."""
            if DRAWS:
                batch = with_draws(batch, self.seed, "of held-out rows")
            if AVERAGES and SEEDED:
                found = self.run_metrics(self.averages, self.counting(2**31 - 4096), batch)
            elif AVERAGES:
                found = self.run_metrics(self.averages, self.rest, batch)
            elif SEEDED:
                found = self.run_metrics(self.params, self.counting(2**31 - 4096), batch)
            else:
                found = self.run_metrics(self.params, self.rest, batch)
            return {name: float(value) for name, value in found.items()}

    def weights(self) -> Portable:
        """The weights under their portable names, in PyTorch's layouts."""
        for tree, part in zip(self.trees, (OWN, self.rest), strict=True):
            nnx.update(self.model, tree.unflatten(part))
        return to_portable(self.model)

    def load(self, arrays: Mapping[str, np.ndarray], source: str = "the weights") -> None:
        """Takes weights, all of them or none; `source` is what a message calls them."""
        load_weights(self.model, match(arrays, self.shapes, source=source))
        _, params, rest = nnx.split(self.model, TRAINED, ...)
        own = jax.jit(partial(jax.tree.map, jnp.copy))  # a step gives its arrays away
        self.params, self.rest = own([jax.tree.leaves(part) for part in (params, rest)])
        if ADAPTS:
            self.params += ADAPTING.first_adapters()
        if AVERAGES:
            self.averages = [jnp.copy(param) for param in self.params]

    if MOMENTS:

        def moments(self) -> Portable:
            """What the optimiser keeps of each weight, as `mean.head.weight`."""
            found: Portable = {}
            for kind, (place, field) in KEPT.items():
                for name, leaf in zip(self.names, getattr(CHAIN[place], field), strict=True):
                    if AXES and leaf is None:
                        continue
                    found[f"{kind}.{name}"] = np.asarray(leaf)
            return found

    def restore(self, found: Checkpoint) -> None:
        """Goes back to a checkpoint."""
        arrays, source = load_checkpoint(found), str(found.path)
        self.load(arrays["weights"], source)
        if MOMENTS:
            shapes = {name: array.shape for name, array in self.moments().items()}
            kept = match(arrays["optimizer"], shapes, source=source)
            if SCALED:
                inner = restored(self.state.inner, KEPT, kept, self.names)
                self.state = self.state._replace(inner=inner)
            else:
                self.state = restored(self.state, KEPT, kept, self.names)
            if COUNTED and not COUNTS_EACH:
                self.state = counted(self.state, found.step)
        if ADAPTS:
            ADAPTING.restore_adapters(arrays["adapters"], source)
        if AVERAGES:
            shapes = {name: array.shape for name, array in self.kept_averages().items()}
            averages = match(arrays["averages"], shapes, source=source)
            self.averages = [jnp.asarray(averages[name]) for name in self.names]
        if SCALED:
            scaling = {name: jnp.asarray(array) for name, array in arrays["scaling"].items()}
            self.state = self.state._replace(**scaling)
        if CHANCE or DRAWS:
            self.steps = found.step

    if SCALED:

        def scaling(self) -> Portable:
            """What the loss is multiplied by, and for how many steps in a row that was good."""
            return {name: np.asarray(getattr(self.state, name)) for name in ("scale", "good")}


CHAIN: Any = None  # the state of the chain of optimisers
TRAINED: Any = nnx.Param  # or a method of the trainer, where some of the model is frozen
OWN: Any = None
ADAPTING: Any = None  # the trainer, with what `adapters_template.py` adds
make_phases: Any = None  # see `phases_template.py`
