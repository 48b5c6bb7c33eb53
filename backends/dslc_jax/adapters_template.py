"""The template of what a `train.py` with adapters of low rank has beside the rest, itself a program.

See `training_template.py`, whose class gets these methods.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from dslc.train.runtime.weights import match
from dslc_jax.parts_template import reordered
from dslc_jax.runtime.portable import inputs_of, names_of, to_portable
from dslc_jax.training_template import Portable, Trainer

SCALE = 2.0
make_adapters: Any = None  # see `script_template.py`


class AdaptedTrainer(Trainer):
    """The model as flat lists of arrays, with its optimiser and what is compiled for them.

    The module is split once. A compiled function that takes lists and merges them inside costs
    a fraction of `nnx.jit`, which would take the module apart at every call. Adapters stand behind
    the parameters.
    """

    def add_adapters(self, seed: int, rest: Any) -> list[str]:
        """Makes the adapters of weights among what is not trained; gives their names."""
        names = names_of(self.model)
        left = [names.get(path) for path, _ in nnx.to_flat_state(rest)]
        self.adapters = reordered(make_adapters(self.shapes, seed), inputs_of(self.model))
        adapted = [name for name in self.shapes if f"{name}.lora_a" in self.adapters]
        self.places = [left.index(name) for name in adapted]
        return list(self.adapters)

    def first_adapters(self) -> list[Array]:
        """The adapters as a run begins."""
        return [jnp.array(adapter) for adapter in self.adapters.values()]

    @property
    def own_params(self) -> list[Array]:
        """The parameters without the adapters."""
        return self.params[: len(self.params) - len(self.adapters)]

    def unchanged(self, rest: list[Array], state: Any) -> list[Array]:
        """The arrays of what is not trained, behind a step; the adapted weights are as before."""
        pairs = enumerate(zip(rest, jax.tree.leaves(state), strict=True))
        return [old if place in self.places else new for place, (old, new) in pairs]

    def adapted(self, params: list[Array], rest: list[Array]) -> tuple[list[Array], list[Array]]:
        """The model's own parts, each adapted weight with what its adapters add."""
        count, rest = len(params) - len(self.adapters), list(rest)
        pairs = zip(self.places, params[count::2], params[count + 1 :: 2], strict=True)
        for place, a, b in pairs:
            rest[place] = rest[place] + SCALE * (b @ a).T  # kernels are [in, out]
        return params[:count], rest

    def adapted_weights(self) -> Portable:
        """The weights, those that are adapted with what their adapters add."""
        parts = self.adapted(self.params, self.rest)
        for tree, part in zip(self.trees, parts, strict=True):
            nnx.update(self.model, tree.unflatten(part))
        return to_portable(self.model)

    def kept_adapters(self) -> Portable:
        """The adapters, as the model lays them out."""
        arrays = self.params[len(self.params) - len(self.adapters) :]
        return dict(zip(self.adapters, map(np.asarray, arrays), strict=True))

    def restore_adapters(self, arrays: Mapping[str, np.ndarray], source: str) -> None:
        """Goes back to the adapters of a checkpoint."""
        shapes = {name: adapter.shape for name, adapter in self.adapters.items()}
        found = match(arrays, shapes, source=source)
        self.params = self.own_params + [jnp.array(found[name]) for name in shapes]
