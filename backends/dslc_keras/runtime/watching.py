"""Watches what every layer of a Keras model takes and gives during a step."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dslc.train.runtime.faults import Sight, first_fault, sight
from dslc_keras.runtime.portable import path_of


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
    """What the layers took and gave in a step, in order: it is computed eagerly."""
    seen: list[Sight] = []
    call = keras.Layer.__call__

    def watch(self: keras.Layer, *args: Any, **options: Any) -> Any:
        name = "" if self is trainer.model else path_of(self)
        seen.append(sight(name, False, arrays(args), count))
        found = call(self, *args, **options)
        seen.append(sight(name, True, arrays(found), count))
        return found

    keras.Layer.__call__ = watch
    tf.config.run_functions_eagerly(True)
    trainer.step(batch, rate)
    keras.Layer.__call__ = call
    return seen


def arrays(value: Any) -> list[NDArray[Any]]:
    """The floats of something nested, where they have values."""
    leaves = [leaf for leaf in tf.nest.flatten(value) if hasattr(leaf, "numpy")]
    floats = [leaf for leaf in leaves if leaf.dtype.is_floating]
    return [np.asarray(tf.cast(leaf, tf.float32)) for leaf in floats]
