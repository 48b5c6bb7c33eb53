"""Portable weights: there and back, what does not fit, what is permuted."""

import numpy as np
import pytest

from dslc.weights import write
from tests.keras.networks import (
    NETWORKS,
    agrees,
    inputs_of,
    model_with,
    network,
    reference,
    source,
    spec,
    weights_of,
)

KINDS = """
inputs: {image: "f32[N, 4, H, W]", signal: "f32[N, 3, L]", vector: "f32[N, 6]"}
where: [H >= 3, W >= 3, L >= 3]
steps:
  - depthwise_conv2d: {kernel: [2, 3], multiplier: 2}
    name: depthwise
    from: image
  - conv2d: {out: 6, kernel: [3, 1], groups: 2, bias: false, padding: same}
    name: grouped
  - conv1d: {out: 5, kernel: 3}
    name: conv
    from: signal
  - rms_norm:
    name: rms
    from: vector
  - layer_norm: {bias: false}
    name: layer
  - batch_norm: {affine: false}
    name: batch
outputs: {image: grouped, signal: conv, vector: batch}
"""

IMAGE = """
inputs: {image: "f32[N, 3, 4, 5]"}
steps:
  - conv2d: {out: 4, kernel: 3}
    name: conv
  - flatten
  - relu
  - dropout: 0.1
  - linear: 6
    name: fc
outputs: {y: fc}
"""


@pytest.mark.parametrize("name", [*NETWORKS, "kinds", "image"])
def test_there_and_back(name):
    from dslc_keras.runtime.portable import to_portable

    texts = {"kinds": KINDS, "image": IMAGE}
    checked = spec(texts[name]) if name in texts else network(name)
    weights = weights_of(checked)
    found = to_portable(model_with(checked, weights))
    assert found.keys() == weights.keys()
    for path, array in weights.items():
        np.testing.assert_array_equal(found[path], array, err_msg=path)


def test_every_kind_agrees():
    assert not agrees(spec(KINDS))


def test_a_file_is_read(tmp_path):
    from dslc_keras.runtime.portable import load_weights, to_portable

    checked = spec(IMAGE)
    weights = weights_of(checked)
    write(tmp_path / "w.safetensors", weights)
    model = model_with(checked, weights_of(checked, seed=1))
    load_weights(model, tmp_path / "w.safetensors")
    np.testing.assert_array_equal(to_portable(model)["fc.weight"], weights["fc.weight"])


def missing(weights):
    del weights["fc.bias"]


def unknown(weights):
    weights["fc.biases"] = weights["fc.bias"]


def misshapen(weights):
    weights["conv.weight"] = weights["conv.weight"].transpose(2, 3, 1, 0)


@pytest.mark.parametrize("spoil", [missing, unknown, misshapen])
def test_weights_that_do_not_fit_change_nothing(spoil):
    from dslc_keras.runtime.portable import load_weights, to_portable

    checked = spec(IMAGE)
    model = model_with(checked, weights_of(checked))
    before = to_portable(model)
    others = weights_of(checked, seed=1)
    spoil(others)
    with pytest.raises(ValueError, match=r"fc\.bias|conv\.weight"):
        load_weights(model, others)
    after = to_portable(model)
    assert all(np.array_equal(after[path], array) for path, array in before.items())


def test_two_biases_of_an_lstm_are_summed():
    from dslc_keras.runtime.portable import to_portable

    checked = network("lstm")
    weights = weights_of(checked)
    second = np.linspace(-1, 1, weights["lstm.bias_hh_l0"].size, dtype=np.float32)
    found = to_portable(model_with(checked, {**weights, "lstm.bias_hh_l0": second}))
    np.testing.assert_allclose(found["lstm.bias_ih_l0"], weights["lstm.bias_ih_l0"] + second)
    assert not found["lstm.bias_hh_l0"].any()


def test_a_flattened_image_stays_as_it_lies():
    checked = spec(IMAGE)
    assert (
        "Permute" not in source(checked, io_layout="native").split('io_layout == "spec"')[1][200:]
    )
    assert 'layers.Flatten(name="fc-flatten")' in source(checked)
    assert not agrees(checked)


def test_the_permutation_matters():
    checked = spec(IMAGE)
    weights = weights_of(checked)
    inputs = inputs_of(checked, {"N": 2})
    (expected,) = reference(checked, weights, inputs).values()
    model = model_with(checked, weights)
    kernel = model.get_layer("fc").kernel
    assert abs(np.asarray(model(inputs["image"])) - expected).max() < 5e-6 * abs(expected).max()
    kernel.assign(weights["fc.weight"].T)
    assert abs(np.asarray(model(inputs["image"])) - expected).max() > 0.1 * abs(expected).max()


@pytest.mark.parametrize(
    "further",
    ["outputs: {y: fc, flat: flat}", "  - add: {from: [fc, flat]}"],
    ids=["an output", "another step"],
)
def test_an_image_that_others_read_too_is_turned(further):
    step = "  - linear: 6\n    name: other\n    from: flat\n" if "add" in further else ""
    tail = "outputs: {y: fc, z: other}\n" if step else f"{further}\n"
    checked = spec(f"""
inputs: {{image: "f32[N, 3, 4, 5]"}}
steps:
  - conv2d: {{out: 4, kernel: 3}}
    name: conv
  - flatten:
    name: flat
  - linear: 6
    name: fc
{step}{tail}""")
    assert "-flatten" not in source(checked)
    assert not agrees(checked)
