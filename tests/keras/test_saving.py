"""Saved and loaded models: tied weights are still one, layers of our own come back."""

from pathlib import Path

import numpy as np
import pytest

from dslc.passes.pipeline import check_file
from tests.keras.networks import (
    inputs_of,
    model_with,
    network,
    reference,
    spec,
    weights_of,
)
from tests.numeric.networks import load

TIES_AT = Path(__file__).parents[1] / "numeric" / "ties"
TIES = sorted(TIES_AT.glob("*.yaml"))

TIED = """
inputs: {ids: "i64[N, T]"}
steps:
  - embedding: {vocab: 11, dim: 6}
    name: table
  - linear: 6
    name: first
  - gelu
  - linear: 6
    name: second
    tie: {weight: first.weight}
  - linear: 11
    name: head
    tie: {weight: table.weight}
outputs: {logits: head}
"""


INSIDE = """
blocks:
  Embed:
    inputs: {ids: "i64[N, T]"}
    steps:
      - embedding: {vocab: 11, dim: 6}
        name: table
      - linear: 6
        name: map
inputs: {ids: "i64[N, T]"}
steps:
  - Embed:
    name: embed
  - linear: 6
    name: again
    tie: {weight: embed.map.weight}
  - gelu
  - linear: 11
    name: head
    tie: {weight: embed.table.weight}
outputs: {logits: head}
"""


@pytest.mark.parametrize("name", ["gpt", "tied"])
def test_every_use_of_a_tied_weight_follows_it(name, tmp_path):
    import keras
    from dslc_keras.runtime.portable import load_weights, to_portable

    checked = network(name) if name == "gpt" else spec(TIED)
    weights = weights_of(checked)
    model_with(checked, weights).save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    inputs = inputs_of(checked, {"N": 2, "T": 7})
    tied = {info.tied for info in checked.weights() if info.tied}
    assert tied
    found = to_portable(model)
    assert tied <= found.keys()
    doubled = {path: array * 2 if path in tied else array for path, array in found.items()}
    load_weights(model, doubled)
    (expected,) = reference(checked, doubled, inputs).values()
    (before,) = reference(checked, weights, inputs).values()
    logits = np.asarray(model(inputs[next(iter(inputs))]))
    assert abs(logits - expected).max() < 5e-6 * abs(expected).max()
    assert abs(logits - before).max() > 0.1 * abs(before).max()


def test_layers_that_read_sizes_come_back(tmp_path):
    import keras

    checked = spec("""
inputs: {x: "f32[N, T, 4]", y: "f32[N, S, 4]"}
where: [T <= S]
steps:
  - slice: {axis: 1, start: T // 2}
    name: late
    from: x
  - reshape: [N, S, 2, 2]
    from: y
    name: pairs
  - multi_head_attention: {heads: 2, causal: true}
    name: cross
    from: [x, y]
  - multi_head_attention: {heads: 2, kv_heads: 1, causal: true, rotary: true, qk_norm: true}
    name: grouped
    from: [x, y]
outputs: {late: late, pairs: pairs, cross: cross, grouped: grouped}
""")
    weights = weights_of(checked)
    model = model_with(checked, weights)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for sizes in ({"N": 2, "T": 5, "S": 7}, {"N": 3, "T": 6, "S": 6}):
        inputs = inputs_of(checked, sizes)
        found, kept = loaded(inputs), model(inputs)
        assert found["late"].shape == (sizes["N"], sizes["T"] - sizes["T"] // 2, 4)
        for name, value in kept.items():
            np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(value))


@pytest.mark.parametrize("name", ["inside", *(path.stem for path in TIES)])
def test_layers_of_other_graphs_come_back_as_one(name, tmp_path):
    import keras
    from dslc_keras.runtime.portable import load_weights, to_portable

    checked = spec(INSIDE) if name == "inside" else check_file(str(TIES_AT / f"{name}.yaml"))
    model = model_with(checked, weights_of(checked))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = inputs_of(checked, {"N": 2, "T": 5, "S": 7, "H": 4, "W": 3})
    given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    np.testing.assert_array_equal(outputs_of(loaded(given)), outputs_of(model(given)))
    tied = {info.tied for info in checked.weights() if info.tied}
    found = to_portable(loaded)
    scaled = {path: array * 1.3 if path in tied else array for path, array in found.items()}
    load_weights(loaded, scaled)
    (expected,) = reference(checked, scaled, inputs).values()
    assert abs(outputs_of(loaded(given)) - expected).max() < 1e-5 * abs(expected).max()


def test_the_transformer_paper_comes_back(tmp_path):
    import keras

    checked = load("transformer_base")
    model = model_with(checked, weights_of(checked))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = inputs_of(checked, {"N": 2, "S": 6, "T": 5})
    np.testing.assert_array_equal(outputs_of(loaded(inputs)), outputs_of(model(inputs)))


def outputs_of(found):
    """The only output of a model."""
    return np.asarray(next(iter(found.values())) if isinstance(found, dict) else found)


def test_what_draws_the_same_bits_comes_back(tmp_path):
    """Its rates too: with the same keys a loaded model drops the same, which Keras does not keep."""
    import keras

    checked = spec("""
inputs: {x: "f32[V, 4]", edges: "i64[2, E]", rows: "f32[N, T, 4]"}
steps:
  - gat_conv: {out: 3, heads: 2, dropout: 0.3}
    name: conv
    from: [x, edges]
  - gru: {hidden: 5, layers: 2, dropout: 0.4, recurrent_dropout: 0.2}
    name: read
    from: rows
outputs: {conv: conv, read: read}
""")
    checked.program = checked.program.replace(deterministic=True)
    model = model_with(checked, weights_of(checked))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = inputs_of(checked, {"V": 5, "E": 9, "N": 3, "T": 4}) | {"edges": np.ones((2, 9), "i4")}
    kept = {name: np.asarray(y) for name, y in model(inputs).items()}
    pairs = zip(model.non_trainable_variables, loaded.non_trainable_variables, strict=True)
    for own, other in pairs:
        other.assign(own)
    dropped = {name: np.asarray(y) for name, y in model(inputs, training=True).items()}
    assert all((dropped[name] != array).any() for name, array in kept.items())
    for name, y in loaded(inputs).items():
        np.testing.assert_array_equal(np.asarray(y), kept[name])
    for name, y in loaded(inputs, training=True).items():
        np.testing.assert_array_equal(np.asarray(y), dropped[name])
    for variable in loaded.trainable_variables:
        variable.assign(variable * 0)
    loaded.load_weights(tmp_path / "model.weights.h5")
    for name, y in loaded(inputs).items():
        np.testing.assert_array_equal(np.asarray(y), kept[name])
