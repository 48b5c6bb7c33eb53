"""What a backend cannot write is told with the place in the spec."""

import pytest
from dslc_torch.project import backend

from dslc.api import loads
from dslc.emit.backend import BuildError

DROPPING = """\
dslc: 1
name: Net
inputs: {x: "f32[N, T, 8]"}
steps:
  - linear: 8
    name: first
  - lstm: {hidden: 8, layers: 2, dropout: 0.1}
    name: second
train:
  inputs: {y: "f32[N, T, 8]"}
  loss: mse
  data: {source: data.npz}
  optimizer: {sgd: {lr: 0.1}}
  epochs: 1
  batch: 2
  deterministic: true
"""


def test_a_refusal_names_the_step() -> None:
    with pytest.raises(BuildError) as error:
        backend.project(loads(DROPPING).checked)
    span = error.value.span
    assert span is not None
    assert (span.line, span.column) == (7, 5)
    assert str(error.value).startswith(f"{span}: `lstm` drops parts of its states")
