"""The figures of a summary, against numbers that are known or counted by hand."""

import json
from pathlib import Path

import pytest

from dslc.api import load, loads
from dslc.cli.main import main

ROOT = Path(__file__).parents[2]
RESNET = str(ROOT / "specs" / "zoo" / "resnet50.yaml")


def test_resnet50_has_its_known_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", RESNET, "--input", "image=1,3,224,224", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["name", "parameters", "flops", "inputs", "outputs", "layers"]
    assert found["parameters"] == {"total": 25557032, "trainable": 25557032, "buffers": 53120}
    products = sum(x["flops"] for x in found["layers"] if x["op"] in ("conv2d", "linear"))
    assert products == 2 * 4089184256 + 1000  # 4.09 billion multiply-adds, and the last bias
    assert found["outputs"] == {"logits": "f32[1, 1000]"}
    assert sum(x["parameters"] for x in found["layers"]) == 25557032
    assert set(found["layers"][0]) == {"path", "op", "output", "parameters", "flops"}


def test_flops_are_an_expression_where_sizes_are() -> None:
    summary = loads(
        "dslc: 1\nname: Net\ninputs:\n  x: f32[N, 8]\nsteps:\n  - linear: {out: 4, bias: false}\n"
    ).summary()
    assert str(summary.flops) == "64*N"
    assert summary.as_dict()["flops"] == "64*N"
    assert str(summary.activation_bytes) == "16*N"


def test_an_lstm_counts_one_bias() -> None:
    text = "dslc: 1\nname: Net\ninputs:\n  x: f32[N, T, 100]\nsteps:\n  - lstm: 256\n"
    assert loads(text).summary().parameters == 365568


def test_tied_weights_count_once() -> None:
    text = (
        "dslc: 1\nname: Net\ninputs:\n  x: i64[N, T]\nsteps:\n"
        "  - embedding: {vocab: 100, dim: 8}\n    name: wte\n"
        "  - linear: {out: 100, bias: false}\n    tie: {weight: wte.weight}\n"
    )
    assert loads(text).summary().parameters == 800


def test_frozen_weights_are_not_trainable() -> None:
    text = (
        "dslc: 1\nname: Net\ninputs:\n  x: f32[N, 8]\nsteps:\n"
        "  - linear: 4\n    freeze: true\n  - linear: 2\n"
    )
    summary = loads(text).summary()
    assert (summary.parameters, summary.trainable) == (36 + 10, 10)


def test_receptive_field() -> None:
    assert load(RESNET).summary().receptive_field == (427, 427)
    text = (
        "dslc: 1\nname: Net\ninputs:\n  x: f32[N, 3, 64, 64]\nsteps:\n"
        "  - conv2d: {out: 4, kernel: [3, 5], dilation: 2, stride: 2}\n  - max_pool2d: 2\n"
    )
    assert loads(text).summary().receptive_field == (5 + 2, 9 + 2)


def test_a_table_has_a_row_for_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", RESNET]) == 0
    text = capsys.readouterr().out
    assert "parameters       25,557,032" in text
    assert text.count(" conv2d ") == 53


def test_sizes_that_break_the_facts_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", RESNET, "--input", "image=1,3,16,224"]) == 2
    assert "H >= 32" in capsys.readouterr().err


def test_sizes_are_written_as_the_facts_let_them() -> None:
    net = loads(
        'dslc: 1\nname: Net\ninputs: {x: "f32[N, 3, H, W]"}\nwhere: [H % 4 == 0, W % 4 == 0]\n'
        "steps:\n  - avg_pool2d: 4\n  - resize: {scale: 4}\n"
    )
    assert str(net.outputs["output"].type) == "f32[N, 3, H, W]"
    assert [str(layer.output) for layer in net.summary().layers] == [
        "f32[N, 3, H//4, W//4]",
        "f32[N, 3, H, W]",
    ]


DOCUMENTED = """
dslc: 1
name: Net
params:
  width: {type: int, default: 9, doc: of the hidden layer}
  sizes: {default: [1, 2], doc: "read\\nby nobody"}
  plain: 3
inputs: {x: "f32[N, 8]"}
steps:
  - linear: width * plain
"""


def test_what_a_spec_says_about_its_params_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(DOCUMENTED)
    params = [
        {"name": "width", "type": "int", "value": 5, "doc": "of the hidden layer"},
        {"name": "sizes", "type": "list", "value": [1, 2], "doc": "read\nby nobody"},
    ]
    for command in ("summary", "check"):
        assert main([command, str(net), "--format", "json", "--set", "width=5"]) == 0
        assert json.loads(capsys.readouterr().out)["params"] == params
    assert main(["summary", str(net)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["width = 9       of the hidden layer", "sizes = [1, 2]  read by nobody"]
