"""Portable weights: there and back, refused where they do not fit, tied ones once."""

import numpy as np
import pytest
from dslc_jax import backend
from dslc_jax.runtime.portable import load_weights, names_of, to_portable
from flax import nnx
from safetensors.numpy import save_file

from dslc.emit.backend import BuildError
from tests.jax.harness import Pair, check, inputs_of, net, weights_of

pytestmark = pytest.mark.jax

EVERYTHING = """
- conv2d: {out: 4, kernel: 3, padding: 1, groups: 2}
  name: conv
- depthwise_conv2d: {kernel: [3, 1], padding: same, multiplier: 2}
  name: depth
- batch_norm:
  name: norm
- flatten: 2
  name: flat
- conv1d: {out: 6, kernel: 3, bias: false}
  name: row
- transpose: [0, 2, 1]
- layer_norm:
  name: layer
- rms_norm:
  name: rms
- lstm: 4
  name: memory
- multi_head_attention: 2
  name: attention
- parameter: [4]
  name: scale
- mul:
  from: [attention, scale]
- flatten
- linear: 3
  name: y
"""
IMAGE = 'x: "f32[N, 2, 3, 4]"'


def test_there_and_back() -> None:
    checked = net(EVERYTHING, IMAGE)
    weights = weights_of(checked)
    model = backend.build(checked)
    load_weights(model, weights)
    found = to_portable(model)
    assert found.keys() == weights.keys() == {info.path for info in checked.weights()}
    for name, array in weights.items():
        assert found[name].dtype == np.float32
        assert (found[name] == array).all(), name
    assert set(names_of(model).values()) == weights.keys() - {"memory.bias_hh_l0"}
    Pair(checked).agree(inputs_of(checked, {"N": 2}))


def test_a_file_is_read(tmp_path) -> None:
    checked = net(EVERYTHING, IMAGE)
    weights = weights_of(checked)
    save_file(weights, tmp_path / "w.safetensors")
    model = backend.build(checked)
    load_weights(model, tmp_path / "w.safetensors")
    assert (to_portable(model)["y.weight"] == weights["y.weight"]).all()


def test_what_does_not_fit_changes_nothing() -> None:
    checked = net(EVERYTHING, IMAGE)
    model = backend.build(checked)
    before = to_portable(model)
    weights = {**weights_of(checked), "other.weight": np.zeros(3, np.float32)}
    weights["conv.weight"] = weights["conv.weight"].transpose(2, 3, 1, 0)
    del weights["norm.running_var"]
    with pytest.raises(ValueError, match="do not fit") as caught:
        load_weights(model, weights)
    for name in ("other.weight", "conv.weight", "norm.running_var"):
        assert name in str(caught.value)
    after = to_portable(model)
    assert all((after[name] == before[name]).all() for name in before)


def test_the_first_weights_are_the_specs() -> None:
    checked = net(
        "- linear: 5\n  name: y\n  init: {weight: {normal: 0.1}, bias: ones}", 'x: "f32[N, 64]"'
    )
    weights = to_portable(backend.build(checked, seed=3))
    assert (weights["y.bias"] == 1).all()
    assert 0.08 < weights["y.weight"].std() < 0.12
    again = to_portable(backend.build(checked, seed=3))
    other = to_portable(backend.build(checked, seed=4))
    assert (weights["y.weight"] == again["y.weight"]).all()
    assert (weights["y.weight"] != other["y.weight"]).any()


def test_a_second_bias_is_taken_in() -> None:
    checked = net("- lstm: 3\n  name: y", 'x: "f32[N, T, 2]"')
    weights = weights_of(checked)
    weights["y.bias_hh_l0"] = np.ones(12, np.float32)
    model = backend.build(checked)
    load_weights(model, weights)
    found = to_portable(model)
    assert (found["y.bias_hh_l0"] == 0).all()
    assert (found["y.bias_ih_l0"] == weights["y.bias_ih_l0"] + 1).all()


TIED = """
dslc: 1
name: Net
inputs: {tokens: "i64[N, T]", x: "f32[N, 5]", b: "f32[N, 3]"}
steps:
  - embedding: {vocab: 7, dim: 4}
    name: table
  - linear: 7
    name: head
    tie: {weight: table.weight}
  - parameter: [3, 5]
    name: matrix
  - linear: {out: 3, bias: false}
    name: by_matrix
    tie: {weight: matrix}
    from: x
  - linear: {out: 5, bias: false}
    name: map
    from: b
  - linear: {out: 5, bias: false}
    name: again
    tie: {weight: map.weight}
    from: by_matrix
outputs: {a: head, b: by_matrix, c: again, d: table, e: map}
"""


def test_ties_follow() -> None:
    pair = Pair(check(TIED))
    assert pair.jax.weights().keys() == {"table.weight", "matrix", "map.weight", "head.bias"}
    inputs = inputs_of(pair.checked, {"N": 2, "T": 3})
    pair.agree(inputs)
    before = pair.jax.forward(inputs)
    doubled = {"table.weight", "matrix", "map.weight"}
    pair.weights = {n: w * 2 if n in doubled else w for n, w in pair.weights.items()}
    pair.reload()
    after = pair.jax.forward(inputs)
    bias = pair.weights["head.bias"]
    assert np.allclose(after["a"] - bias, 4 * (before["a"] - bias), rtol=1e-5, atol=1e-5)
    for name, factor in {"b": 2, "c": 4, "d": 2, "e": 2}.items():
        assert np.allclose(after[name], factor * before[name], rtol=1e-5, atol=1e-6), name
    pair.agree(inputs)


def test_an_embedding_takes_the_rows_of_a_linear_map() -> None:
    steps = """
- linear: {out: 5, bias: false}
  name: map
- embedding: {vocab: 5, dim: 3}
  name: y
  tie: {weight: map.weight}
  from: ids
"""
    checked = net(steps, 'x: "f32[N, 3]", ids: "i64[N, T]"', outputs="map y")
    driver = backend.driver(checked)
    weights = weights_of(checked)
    driver.load(weights)
    inputs = inputs_of(checked, {"N": 2, "T": 3}, below=5)
    assert (driver.forward(inputs)["out_1"] == weights["map.weight"][inputs["ids"]]).all()


def test_doubles_are_refused() -> None:
    with pytest.raises(BuildError, match="x64"):
        backend.model_source(net("- relu:\n  name: y", 'x: "f64[N, 4]"'))
    with pytest.raises(BuildError, match="x64"):
        backend.model_source(net("- cast: f64\n  name: y", 'x: "f32[N, 4]"'))


def test_random_states_are_no_weights() -> None:
    checked = net("- dropout: 0.5\n- linear: 3\n  name: y", 'x: "f32[N, 4]"')
    model = backend.build(checked)
    assert to_portable(model).keys() == {"y.weight", "y.bias"}
    assert len(nnx.to_flat_state(nnx.state(model, nnx.RngState))) == 2
