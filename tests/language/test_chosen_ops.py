"""Ops that a param names: what the steps are called, whose attributes hold, what calls bring."""

from pathlib import Path

import pytest

import dslc
from dslc.api import loads
from dslc.ir.walk import chooses
from dslc.passes.weights import sites

LIBRARY = """
dslc: 1
name: Library
params: {act: str = relu, slope: 0.25}
defaults:
  leaky_relu: {slope: slope}
inputs: {x: "f32[N, 8]"}
blocks:
  Unit:
    steps:
      - linear: 8
      - $act
steps:
  - Unit
"""
NET = """
dslc: 1
name: Net
imports: {library: ./library.yaml}
params: {norm: str = layer_norm, loss: str = mse}
defaults:
  rms_norm: {eps: 1e-3}
inputs: {x: "f32[N, 8]"}
blocks:
  Wrap:
    params: {act: str = tanh}
    steps:
      - library.Unit: {act: $act}
        name: unit
      - $library.act
      - $norm
steps:
  - library.Unit:
    name: first
  - library.Unit: {act: leaky_relu}
    name: second
  - library.Unit: {act: leaky_relu, slope: 0.5}
    name: third
  - Wrap:
    name: wrap
outputs: {y: wrap}
train:
  inputs: {t: "f32[N, 8]"}
  data: {source: data.npz, columns: {x: x, t: t}}
  steps:
    - Wrap: {act: gelu}
      from: y
      name: extra
  loss:
    $loss:
    from: [extra, t]
  optimizer: {sgd: 0.1}
  epochs: 1
  batch: 4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library.yaml").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "net.yaml").write_text(NET, encoding="utf-8")
    return tmp_path


def ops_of(net: dslc.Net) -> dict[str, str]:
    """The op of every layer by its path."""
    return {row.path: row.op for row in net.summary().layers}


def test_another_op_renames_no_weight(folder: Path) -> None:
    found = dslc.load(folder / "net.yaml")
    other = dslc.load(folder / "net.yaml", norm="rms_norm")
    paths = [weight.path for weight in other.checked.weights()]
    assert paths == [w.path for w in found.checked.weights() if w.path != "wrap.norm.bias"]
    assert "wrap.norm.weight" in paths


def test_each_call_brings_its_op_with_the_attributes_of_that_op(folder: Path) -> None:
    net = dslc.load(folder / "net.yaml", norm="rms_norm")
    found = ops_of(net)
    assert found["first.act"] == "relu"
    assert found["second.act"] == found["third.act"] == "leaky_relu"
    assert (found["wrap.unit.act"], found["wrap.act"]) == ("tanh", "relu")
    slopes = [
        site.iteration.op.values["slope"]
        for site in sites(net.checked.instance)
        if site.iteration.op is not None and site.iteration.op.name == "leaky_relu"
    ]
    assert slopes == [0.25, 0.5]


def test_a_checked_spec_has_plain_ops_alone_and_training_its_own(folder: Path) -> None:
    checked = dslc.load(folder / "net.yaml").checked
    assert chooses(checked.written.modules)
    assert not chooses(checked.program.modules)
    train = checked.train
    assert train is not None
    assert not chooses({**train.program.modules, "train": train.phases[0].graph})
    called = [
        iteration.call.module.name
        for step in train.phases[0].instance.body.steps
        for iteration in step.iterations
        if iteration is not None and iteration.call is not None
    ]
    assert called == ["Net", "WrapGelu"]


def test_an_absent_step_needs_no_op() -> None:
    text = "dslc: 1\nname: Net\nparams: {act: str = none}\ninputs: {x: 'f32[N, 8]'}\n"
    block = "blocks:\n  B:\n    params: {a: str}\n    steps:\n      - linear: 8\n"
    block += "      - $a:\n        when: a != 'none'\n"
    net = loads(f"{text}{block}steps:\n  - B: {{a: $act}}\n  - B: {{a: relu}}\n    name: c\n")
    assert list(ops_of(net).values()) == ["linear", "linear", "relu"]
