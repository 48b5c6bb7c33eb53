"""Watches what every layer of a Flax NNX model takes and gives during a step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import NDArray

from dslc.train.runtime.faults import Sight, first_fault, sight

Call = Callable[..., Any]


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
    """What the layers took and gave in a step, in order: it is compiled anew, with callbacks."""
    seen: dict[int, Sight] = {}
    watcher = Watcher(seen, count)
    merged = trainer.merged

    def named(*parts: Any) -> Any:
        model = merged(*parts)
        watcher.know(model)
        return model

    trainer.merged = named
    jax.clear_caches()
    trainer.step(batch, rate)
    jax.effects_barrier()
    watcher.stop()
    return [seen[place] for place in sorted(seen)]


class Watcher:
    """Puts itself around the calls of layers.

    Args:
        seen: takes what is seen by its place in the order in which the step is written.
        count: rows of the batch.
    """

    def __init__(self, seen: dict[int, Sight], count: int) -> None:
        self.seen = seen
        self.count = count
        self.names: dict[int, str] = {}
        self.models: list[Any] = []
        self.calls: dict[Any, Call] = {}
        self.places = 0

    def know(self, model: Any) -> None:
        """Learns the paths of a model's layers."""
        self.models.append(model)  # what is kept keeps its identity
        for path, module in nnx.iter_modules(model):
            self.names[id(module)] = ".".join(map(str, path))
            kind = type(module)
            if kind not in self.calls and "__call__" in vars(kind):
                self.calls[kind] = kind.__call__
                kind.__call__ = self.around(kind.__call__)

    def stop(self) -> None:
        """Leaves the layers as they were."""
        for kind, call in self.calls.items():
            kind.__call__ = call

    def around(self, call: Call) -> Call:
        """A call of a layer that says what it takes and gives."""

        def watch(layer: Any, *args: Any, **options: Any) -> Any:
            name = self.names.get(id(layer))
            if name is None:
                return call(layer, *args, **options)
            self.look(name, False, args)
            found = call(layer, *args, **options)
            self.look(name, True, found)
            return found

        return watch

    def look(self, name: str, given: bool, value: Any) -> None:
        """Sees values once they are computed."""
        leaves = [leaf for leaf in jax.tree.leaves(value) if hasattr(leaf, "dtype")]
        floats = [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)]
        place, self.places = self.places, self.places + 1

        def keep(*arrays: Any) -> None:
            found = [np.asarray(array, np.float32) for array in arrays]
            item = sight(name, given, found, self.count)
            if place not in self.seen or item.nan or item.infinite:
                self.seen[place] = item

        jax.debug.callback(keep, *floats)
