"""A spec's only model that training calls several times beside weights: what cannot be written."""

import pytest
from dslc_torch.project import backend

from dslc.api import loads
from dslc.emit.backend import BuildError

TWINS = """\
dslc: 1
name: Twins
inputs: {x: "f32[N, W, 4]"}
steps:
  - linear: 4
    name: mixed
  - group:
      - linear: 4
        name: inner
      - tanh
    name: code
outputs: {code: code}
train:
  inputs: {x: "f32[N, 4, 4]"}
  data: {source: data.npz}
  steps:
    - expr: x * 0.5
      name: faint
    - Twins:
      name: near
      from: x
    - Twins:
      name: far
      from: faint
    - add:
      name: both
      from: [near, far]
    - linear: 1
    - reduce_mean:
      name: total
  loss: total
  optimizer: {sgd: {lr: 0.1}}
  epochs: 1
  batch: 2
"""


def training_model(*changes: tuple[str, str]) -> str:
    """What training has of the spec, changed."""
    text = TWINS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return backend.project(loads(text).checked)["training_model.py"]


def test_each_call_runs_the_same_layers() -> None:
    text = training_model()
    assert text.count("self.mixed = ") == 1
    assert text.count("self.mixed(") == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "    - Twins:\n      name: far",
            "    - Twins:\n      name: far\n      repeat: 2",
            "structure",
        ),
        (
            "inner\n      - tanh",
            "inner\n      - linear: 4\n        from: mixed",
            "more than its input",
        ),
        (
            "steps:\n  - linear",
            "steps:\n  - reshape: [N, W * 2, 2]\n  - reshape: [N, W, 4]\n  - linear",
            "in which `W` is 4",
        ),
    ],
)
def test_what_cannot_be_run_again_is_refused(old: str, new: str, message: str) -> None:
    with pytest.raises(BuildError, match=message):
        training_model((old, new))
