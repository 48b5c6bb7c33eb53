"""Random weights for comparing backends: every weight different, none as training starts it.

A spec's own initialisers would hide faults: a last scale of zero hides a whole branch, running
statistics of 0 and 1 hide that they are used at all. The sizes are such that values keep their
scale through a deep network: weights are divided by the root of their fan-in, scales lie around 1,
variances in 0.5..1.5.
"""

import math
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from dslc.train.runtime.initial import Shape, Weight


def random_weights(
    shapes: Mapping[str, Shape], seed: int, zeros: Collection[str] = ()
) -> dict[str, NDArray[np.float32]]:
    """Draws every weight and running statistic at random.

    Args:
        shapes: the shape of each weight by its path in the portable file.
        seed: another seed gives other weights.
        zeros: paths of weights that are zero by definition, such as the second bias of an LSTM.

    Returns:
        The weights by path, in float32.
    """
    weights: dict[str, NDArray[np.float32]] = {}
    for path, shape in shapes.items():
        if path in zeros:
            weights[path] = np.zeros(shape, np.float32)
        else:
            weights[path] = _draw(Weight(path, shapes, seed))
    return weights


def _draw(weight: Weight) -> NDArray[np.float32]:
    """The name and the rank tell what a weight is for."""
    name = weight.path.rpartition(".")[2]
    if name == "running_var":
        return weight.uniform(0.5, 1.5)
    if name == "running_mean" or "bias" in name:
        return weight.uniform(-0.5, 0.5)
    if len(weight.shape) < 2:
        return weight.uniform(0.6, 1.4)
    return weight.normal(1 / math.sqrt(max(1, weight.fans()[0])))
