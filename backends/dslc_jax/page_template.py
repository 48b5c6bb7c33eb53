"""What a trainer predicts, for the page at a run's end. See `dslc.emit.template`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

from dslc.train.runtime.data import Arrays
from dslc_jax.parts_template import in_half
from dslc_jax.training_template import AVERAGES, MIXED, SEVERAL, Batch, Trainer


def predicted_of(model: Callable[..., Array], batch: Batch) -> Array:
    """What is predicted of a column."""
    return model(batch["features"])


class ShowingTrainer(Trainer):
    """A trainer that predicts."""

    @partial(jax.jit, static_argnums=0)
    def give(self, params: list[Array], rest: list[Array], batch: Batch) -> Array:
        """What a prediction computes."""
        model: Callable[..., Any] = self.merged(self.inference, params, rest)
        if MIXED and not SEVERAL:
            model = in_half(model)
        return predicted_of(model, batch)

    def predict(self, batch: Arrays) -> np.ndarray:
        """What is predicted for the rows of a batch, as the model is used after training."""
        if AVERAGES:
            return np.asarray(self.give(self.averages, self.rest, batch))
        else:  # noqa: RET505
            return np.asarray(self.give(self.params, self.rest, batch))
