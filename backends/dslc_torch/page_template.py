"""What a trainer predicts, for the page at a run's end. See `dslc.emit.template`."""

from typing import Any

import torch
from torch import Tensor

from dslc.train.runtime.data import Array, Arrays
from dslc_torch.training_template import AVERAGES, HELD, Batch, TheModel, Trainer


def predicted_of(model: TheModel, batch: Batch) -> Tensor:
    """What is predicted of a column."""
    return model(batch["features"])


class ShowingTrainer(Trainer):
    """A trainer that predicts."""

    @torch.no_grad()
    def predict(self, batch: Arrays) -> Array:
        """What is predicted for the rows of a batch, as the model is used after training."""
        if AVERAGES:
            self.swap()
        self.model.eval()
        found = predicted_of(MODEL, self.tensors(batch))
        if HELD:
            self.set_mode()
        else:
            self.model.train()
        if AVERAGES:
            self.swap()
        return found.numpy(force=True)


MODEL: Any = None  # the model, with its adapters if it has some
