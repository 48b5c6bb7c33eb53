"""What a trainer predicts, for the page at a run's end. See `dslc.emit.template`."""

from collections.abc import Callable
from functools import partial

import jax
import numpy as np
from jax import Array

from dslc.train.runtime.data import Arrays
from dslc_jax.training_template import AVERAGES, Batch, Trainer


def predicted_of(model: Callable[..., Array], batch: Batch) -> Array:
    """What is predicted of a column."""
    return model(batch["features"])


class ShowingTrainer(Trainer):
    """A trainer that predicts."""

    @partial(jax.jit, static_argnums=0)
    def give(self, params: list[Array], rest: list[Array], batch: Batch) -> Array:
        """What a prediction computes."""
        model = self.merged(self.inference, params, rest)
        return predicted_of(model, batch)

    def predict(self, batch: Arrays) -> np.ndarray:
        """What is predicted for the rows of a batch, as the model is used after training."""
        if AVERAGES:
            return np.asarray(self.give(self.averages, self.rest, batch))
        else:  # noqa: RET505
            return np.asarray(self.give(self.params, self.rest, batch))
