"""Random weights for verification: nothing is left at a value that would hide a fault."""

import numpy as np

from dslc import weights
from dslc.weights import random_weights

SHAPES = {
    "conv.weight": (64, 32, 3, 3),
    "conv.bias": (64,),
    "norm.weight": (256,),
    "norm.bias": (256,),
    "norm.running_mean": (256,),
    "norm.running_var": (256,),
    "lstm.bias_hh": (32,),
    "prelu.weight": (1,),
    "scale": (),
}


def test_every_kind_has_its_range():
    drawn = random_weights(SHAPES, 0, zeros={"lstm.bias_hh"})
    assert list(drawn) == list(SHAPES)
    assert {name: array.shape for name, array in drawn.items()} == SHAPES
    assert {array.dtype.name for array in drawn.values()} == {"float32"}
    variance, scale = drawn["norm.running_var"], drawn["norm.weight"]
    assert 0.5 <= variance.min() < 0.55 < 1.45 < variance.max() <= 1.5
    assert 0.6 <= scale.min() < 0.65 < 1.35 < scale.max() <= 1.4
    assert abs(drawn["conv.weight"].std() * np.sqrt(32 * 9) - 1) < 0.02
    assert (drawn.pop("lstm.bias_hh") == 0).all()
    for name, array in drawn.items():
        assert len(np.unique(array)) > 0.99 * array.size, name
        assert (array != 0).all(), name


def test_seed_and_path_decide():
    assert np.array_equal(
        random_weights(SHAPES, 1)["norm.bias"],
        random_weights({"norm.bias": (256,)}, 1)["norm.bias"],
    )
    assert not np.array_equal(
        random_weights(SHAPES, 1)["norm.bias"], random_weights(SHAPES, 2)["norm.bias"]
    )


def test_deep_products_stay_in_range():
    shapes = {f"layer.{i}.weight": (128, 128) for i in range(50)}
    x = np.ones(128, np.float32)
    for matrix in random_weights(shapes, 0).values():
        x = matrix @ x
    assert 1e-3 < np.abs(x).max() < 1e3


def test_the_package_offers_what_it_names():
    assert all(hasattr(weights, name) for name in weights.__all__)
