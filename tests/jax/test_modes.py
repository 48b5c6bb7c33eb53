"""Training and use: dropout and batch norm differ, nothing else does, and draws can be repeated."""

import numpy as np
import pytest
from dslc_jax import backend
from flax import nnx

from tests.jax.harness import Pair, check, inputs_of, net, weights_of

pytestmark = pytest.mark.jax


def test_dropout_acts_in_training_alone() -> None:
    model = backend.build(net("- dropout: 0.25\n  name: y", 'x: "f32[N, T, 4]"'), seed=1)
    ones = np.ones((40, 50, 4), np.float32)
    model.eval()
    assert (model(ones) == 1).all()
    model.train()
    first, second = np.array(model(ones)), np.array(model(ones))
    assert (first != second).any()
    assert set(np.unique(first)) == {0, np.float32(1 / 0.75)}
    assert 0.22 < (first == 0).mean() < 0.28


def test_draws_depend_on_the_seed_alone() -> None:
    checked = net("- dropout: 0.5\n  name: y", 'x: "f32[N, 64]"')
    ones = np.ones((3, 64), np.float32)

    def draw(seed: int) -> np.ndarray:
        model = backend.build(checked, seed=seed)
        model.train()
        return np.array(model(ones))

    assert (draw(1) == draw(1)).all()
    assert (draw(1) != draw(2)).any()


def test_steps_of_one_rate_share_a_layer_and_no_draw() -> None:
    checked = net("- dropout: 0.5\n  name: a\n- dropout: 0.5\n  name: y", 'x: "f32[N, 512]"')
    assert backend.model_source(checked).count("nnx.Dropout(") == 1
    model = backend.build(checked)
    model.train()
    kept = (np.array(model(np.ones((8, 512), np.float32))) != 0).mean()
    assert 0.2 < kept < 0.3


@pytest.mark.parametrize("causal", ["false", "true"])
def test_attention_drops_weights_in_training(causal: str) -> None:
    steps = f"- multi_head_attention: {{heads: 2, dropout: 0.5, causal: {causal}}}\n  name: y"
    checked = net(steps, 'x: "f32[N, T, 8]"')
    pair = Pair(checked)
    inputs = inputs_of(checked, {"N": 2, "T": 5})
    pair.agree(inputs)
    model = pair.jax.model
    model.eval()
    used = np.array(model(inputs["x"]))
    model.train()
    draws = np.array(model(np.tile(inputs["x"], (300, 1, 1)))).reshape(300, *used.shape)
    assert (draws[0] != draws[1]).any()
    assert np.abs(draws.mean(0) - used).max() < 0.3 * np.abs(used).max()


def test_a_query_that_sees_no_key_gets_zeros() -> None:
    steps = "- multi_head_attention: 2\n  from: {query: x, mask: m}\n  name: y"
    checked = net(steps, 'x: "f32[N, T, 8]", m: "bool[N, T]"')
    pair = Pair(checked)
    inputs = inputs_of(checked, {"N": 2, "T": 5})
    inputs["m"][0] = False
    pair.agree(inputs)
    found = pair.jax.forward(inputs)["out_0"]
    assert np.allclose(found[0], pair.weights["y.out.bias"], atol=1e-6)


def test_dropout_under_a_condition_is_only_there_where_it_holds() -> None:
    text = """
dslc: 1
name: Net
inputs: {x: "f32[N, 64]"}
blocks:
  B:
    params: {drops: bool}
    steps:
      - tanh
      - dropout: 0.5
        when: drops
      - dropout: 0.5
        when: drops
steps:
  - B: {drops: d}
    repeat: {over: [true, false], as: d}
    name: b
outputs: {y: b}
"""
    model = backend.build(check(text))
    model.train()
    assert len(nnx.to_flat_state(nnx.state(model, nnx.RngCount))) == 2
    dropped = (np.array(model(np.ones((16, 64), np.float32))) == 0).mean()
    assert 0.65 < dropped < 0.85


def test_batch_norm_keeps_the_unbiased_variance() -> None:
    checked = net("- batch_norm: {momentum: 0.25}\n  name: y", 'x: "f32[N, 3]"')
    driver = backend.driver(checked)
    weights = weights_of(checked)
    driver.load(weights)
    x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    driver.forward({"x": x}, training=True)
    mean, var = weights["y.running_mean"], weights["y.running_var"]
    found = driver.weights()
    assert np.allclose(found["y.running_mean"], 0.75 * mean + 0.25 * x.mean(0), atol=1e-6)
    assert np.allclose(found["y.running_var"], 0.75 * var + 0.25 * x.var(0, ddof=1), atol=1e-6)


def test_batch_norm_counts_what_a_mask_lets_through() -> None:
    checked = net("- batch_norm:\n  name: y", 'x: "f32[N, 2, H, W]"')
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 2)).astype(np.float32)
    mask = np.arange(3)[:, None, None, None] < 2
    norms = [backend.build(checked).y for _ in range(2)]
    norms[0](x, mask=mask)
    norms[1](x[:2])
    assert np.allclose(norms[0].var[...], norms[1].var[...], atol=1e-6)


def test_offset_data_keeps_its_digits() -> None:
    """A variance from the mean of squares would cancel here."""
    checked = net("- layer_norm:\n  name: y", 'x: "f32[N, 64]"')
    pair = Pair(checked)
    x = np.random.default_rng(0).standard_normal((4, 64)).astype(np.float32) + 3000
    assert pair.forward({"x": x}) < 1e-3


def test_only_parameters_have_gradients() -> None:
    checked = net("- batch_norm:\n- lstm: 3\n  name: y", 'x: "f32[N, 4, 4]"')
    pair = Pair(checked)
    inputs = inputs_of(checked, {"N": 3})
    pair.agree(inputs)
    params = nnx.to_flat_state(nnx.state(pair.jax.model, nnx.Param))
    assert len(params) == 5


def test_the_announced_way_of_walking_modules() -> None:
    """Flax is to treat modules as trees, in which nothing may be shared."""
    steps = "- batch_norm:\n- dropout: 0.5\n- lstm: 3\n- linear: 4\n  name: y"
    checked = net(steps, 'x: "f32[N, 4, 6]"')
    with nnx.set_graph_mode(False):
        pair = Pair(checked)
        pair.agree(inputs_of(checked, {"N": 3}))
        pair.jax.forward(inputs_of(checked, {"N": 3}), training=True)
