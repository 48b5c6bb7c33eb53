"""Facts of a spec are checked where inputs come in, in words; a saved model needs none of it."""

import json
import zipfile

import numpy as np
import pytest

from tests.keras.networks import agrees, model_with, network, source, spec, weights_of

TWO = """
params: {most: 9}
inputs: {x: "f32[N, T, 4]", y: "f32[N, S, 4]", image: "f32[N, 3, H, W]"}
where: [T <= S, S <= most, H % 2 == 0, W >= H]
steps:
  - multi_head_attention: {heads: 2}
    from: [x, y]
    name: attention
  - conv2d: {out: 2, kernel: 1}
    from: image
    name: conv
outputs: {attention: attention, conv: conv}
"""


def given(t=3, s=4, h=4, w=5):
    shapes = {"x": (2, t, 4), "y": (2, s, 4), "image": (2, 3, h, w)}
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def model():
    checked = spec(TWO)
    return model_with(checked, weights_of(checked))


def test_right_sizes_pass(model):
    assert model(given())["attention"].shape == (2, 3, 4)
    assert not agrees(spec(TWO))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"t": 5}, r"T <= S does not hold for S = 4, T = 5"),
        ({"s": 10}, r"S <= most does not hold for S = 10, most = 9"),
        ({"h": 3}, r"H % 2 == 0 does not hold for H = 3"),
        ({"w": 3}, r"W >= H does not hold for H = 4, W = 3"),
    ],
)
def test_wrong_sizes_are_refused(model, sizes, message):
    with pytest.raises(ValueError, match=message):
        model(given(**sizes))


def test_a_context_is_checked():
    checked = network("gpt")
    model = model_with(checked, weights_of(checked))
    assert model(np.zeros((1, 16), np.int32)).shape == (1, 16, 17)
    with pytest.raises(ValueError, match="T <= context does not hold for T = 17, context = 16"):
        model(np.zeros((1, 17), np.int32))


@pytest.mark.parametrize("name", ["resnet", "mixed"])
def test_saved_layers_are_keras_own(name, tmp_path):
    import keras

    checked = network(name)
    assert "(layers.Identity)" in source(checked)
    model = model_with(checked, weights_of(checked))
    model.save(tmp_path / "model.keras")
    config = json.loads(zipfile.ZipFile(tmp_path / "model.keras").read("config.json"))
    modules = {item["module"] for item in config["config"]["layers"]}
    assert modules <= {"keras.layers", "keras.src.ops.numpy", "keras.src.ops.nn"}
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    image = np.random.default_rng(0).normal(size=(2, 3, 32, 40)).astype(np.float32)
    outputs = (found(image, training=False) for found in (model, loaded))
    for left, right in zip(*map(keras.tree.flatten, outputs), strict=True):
        np.testing.assert_array_equal(np.asarray(left), np.asarray(right))


def test_a_model_without_facts_has_no_check():
    assert "Identity" not in source(network("digits"))
