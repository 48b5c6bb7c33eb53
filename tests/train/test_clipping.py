"""Clipped gradients move the weights by no more than the bound says."""

import numpy as np
import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend
from dslc.weights.starting import starting_weights
from tests.train.projects import BACKENDS, SPECS, batches

BOUND = 1e-3


@pytest.mark.parametrize("way", ["norm", "value"])
def test_a_step_is_as_long_as_the_bound(way: str) -> None:
    text = (SPECS / "slope.yaml").read_text(encoding="utf-8")
    plain = "  optimizer: {sgd: {lr: 0.1}}\n"
    assert plain in text
    clipped = f"  optimizer: {{sgd: {{lr: 1.0}}}}\n  clip: {{{way}: {BOUND}}}\n"
    checked = loads(text.replace(plain, clipped)).checked
    assert checked.train is not None
    start = starting_weights(checked.train.weights(), 0)
    for backend in BACKENDS:
        given = batches("slope", 1)
        _, after = find_backend(backend).train_steps(checked, start, given, 1)
        moves = [np.float64(after[path]) - start[path] for path in start]
        length = np.sqrt(sum((move**2).sum() for move in moves))
        longest = max(np.abs(move).max() for move in moves)
        np.testing.assert_allclose(length if way == "norm" else longest, BOUND, rtol=1e-3)
