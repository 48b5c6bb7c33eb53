"""Several models in one spec: one set of weights each, wherever they are called."""

from pathlib import Path

import numpy as np
import pytest

import dslc
from dslc.api import loads
from dslc.diagnostics import Report
from dslc.passes.pipeline import check_source
from dslc.source import Source
from dslc.weights import random_weights

SPECS = Path(__file__).parents[1] / "networks" / "specs"

APART = """
dslc: 1
name: Apart
models:
  Short:
    inputs: {x: "f32[N, T, 4]"}
    where: [T <= 8]
    steps:
      - linear: 2
        name: head
        freeze: true
    outputs: {y: head}
  Long:
    inputs: {x: "f32[N, T, 4]"}
    where: [T > 8]
    steps:
      - linear: 2
        name: head
      - slice: {axis: 1, start: 0, stop: 8}
        from: x
      - Short:
        name: short
    outputs: {y: head, short: short}
"""
"""Two models whose facts about `T` exclude each other, so it is not one size in both."""


def test_a_models_weights_are_under_its_own_name() -> None:
    net = dslc.load(SPECS / "agent.yaml")
    paths = [weight.path for weight in net.checked.weights()]
    assert len(set(paths)) == len(paths)
    assert {path for path in paths if path.endswith("weight")} == {
        "actor.head.weight",
        "trunk.dense.weight",
        "mixer.mix.weight",
        "critic.gaze.head.weight",
        "critic.outlook.head.weight",
    }


def test_a_model_by_itself_has_what_it_needs() -> None:
    net = dslc.load(SPECS / "agent.yaml")
    assert list(net.models) == ["Actor", "Critic", "Trunk", "Mixer"]
    actor = net.models["Actor"]
    assert repr(actor) == "Actor(state: f32[N, 8]) -> logits: f32[N, 4]"
    homes = {weight.path.partition(".")[0] for weight in actor.checked.weights()}
    assert homes == {"actor", "trunk", "mixer"}
    parts = sum(net.models[name].summary().parameters for name in ("Actor", "Critic"))
    assert parts > net.summary().parameters  # the trunk is in both


def test_facts_that_exclude_each_other_stand_apart() -> None:
    net = loads(APART)
    assert net.check() == ("T <= 8", "T > 8")
    assert {name: str(port.type) for name, port in net.inputs.items()} == {
        "short_x": "f32[NShort, TShort, 4]",
        "long_x": "f32[NLong, TLong, 4]",
    }


@pytest.mark.torch
@pytest.mark.xdist_group("torch")
def test_what_is_frozen_in_a_model_is_frozen_for_every_caller() -> None:
    driver = __import__("dslc_torch").backend.driver(loads(APART).checked)
    trained = [name for name, weight in driver.model.named_parameters() if weight.requires_grad]
    assert trained == ["long.head.weight", "long.head.bias"]


@pytest.mark.torch
@pytest.mark.xdist_group("torch")
def test_a_cache_decodes_what_the_whole_decoder_gives() -> None:
    import torch

    net = dslc.load(SPECS / "cached.yaml", depth=3)
    infos = [weight for weight in net.checked.weights() if weight.tied is None]
    assert all(weight.path.startswith("decoder.") for weight in infos)
    weights = random_weights({info.path: tuple(map(int, info.shape)) for info in infos}, 0)  # pyright: ignore[reportArgumentType]
    model = net.torch()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    tokens = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    expected = model(tokens)
    keys = values = torch.zeros(2, 3, 0, 16)
    for place in range(5):
        found = model.step(tokens[:, place : place + 1], keys, values, model.decoder)
        keys, values = found["present_keys"], found["present_values"]
        torch.testing.assert_close(found["logits"][:, 0], expected[:, place])
    assert keys.shape == (2, 3, 5, 16)


@pytest.mark.onnx
def test_one_of_the_models_is_exported_with_the_weights_of_all(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="missing: onnx")
    from dslc.weights.starting import starting_weights

    net = dslc.load(SPECS / "cached.yaml")
    weights = starting_weights(net.checked.weights(), 0)
    net.export_onnx(tmp_path / "decoder.onnx", weights)
    net.models["Step"].export_onnx(tmp_path / "step.onnx", weights)
    inputs = {
        name: [value.name for value in onnx.load(tmp_path / f"{name}.onnx").graph.input]
        for name in ("decoder", "step")
    }
    assert inputs == {"decoder": ["tokens"], "step": ["token", "past_keys", "past_values"]}
    step = onnx.load(tmp_path / "step.onnx").graph.initializer
    (table,) = [item for item in step if item.name.startswith("decoder.wte")]
    assert np.prod(table.dims) == 32 * 16


@pytest.mark.parametrize("main", ["", "main: Actor\n", "main: Critic\n"])
def test_a_model_is_unused_where_another_is_the_main_one(main: str) -> None:
    text = (SPECS / "agent.yaml").read_text().replace("models:\n", f"{main}models:\n", 1)
    report = Report()
    assert check_source(Source("agent.yaml", text), report) is not None
    found = [item.message for item in report.diagnostics if item.code == "W0105"]
    unused = {"": [], "main: Actor\n": ["model `Critic`", "block `Gaze`"]}
    expected = unused.get(main, ["model `Actor`"])
    assert sorted(found) == sorted(f"nothing calls the {what}" for what in expected)
