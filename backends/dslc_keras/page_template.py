"""What a trainer predicts, for the page at a run's end. See `dslc.emit.template`."""

from typing import Any

import keras
import tensorflow as tf

from dslc.train.runtime.data import Array, Arrays
from dslc_keras.training_template import AVERAGES, Batch, Trainer


def predicted_of(model: keras.Model, batch: Batch) -> tf.Tensor:
    """What is predicted of a column."""
    return model(batch["features"])


class ShowingTrainer(Trainer):
    """A trainer that predicts."""

    @tf.function(jit_compile=False)
    def give(self, batch: Any) -> tf.Tensor:
        """What a prediction computes."""
        return predicted_of(MODEL, batch)

    def predict(self, batch: Arrays) -> Array:
        """What is predicted for the rows of a batch, as the model is used after training."""
        if AVERAGES:
            self.swap()
            found = self.give(batch).numpy()
            self.swap()
            return found
        else:  # noqa: RET505
            return self.give(batch).numpy()


MODEL: Any = None  # the model, with its adapters if it has some
