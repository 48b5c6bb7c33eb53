"""Ties of any weight of any layer, wherever its owner stands: in `ties/`, one spec a file."""

from pathlib import Path

import pytest

from dslc.tools.verify import verify
from tests.numeric.frameworks import backend_params
from tests.numeric.table import check

FILES = sorted(Path(__file__).parent.glob("ties/*.yaml"))

INSTANCES = """
dslc: 1
name: Instances
inputs: {x: "f32[N, 8]"}
steps:
  - {linear: 8, name: up, repeat: 3}
  - tanh
  - linear: {out: 8, bias: false}
    name: down
    repeat: {times: 3, index: i}
    tie: {weight: "up[2 - i].weight"}
"""

LAYERS = """
dslc: 1
name: Layers
inputs: {x: "f32[N, 3, 5, 6]"}
steps:
  - group:
      - conv2d: {out: 3, kernel: 3, padding: 1}
        name: first
      - {batch_norm: , name: norm}
    name: stage
  - tanh
  - conv2d: {out: 3, kernel: 3, padding: 1}
    name: second
    tie: {weight: stage.first.weight, bias: stage.first.bias}
"""


@pytest.mark.parametrize("backend", backend_params())
@pytest.mark.parametrize("spec", [INSTANCES, LAYERS])
def test_ties(backend: str, spec: str) -> None:
    found = verify(check(spec), [backend])
    assert found.ok, found.as_table()


@pytest.mark.parametrize("backend", backend_params())
@pytest.mark.parametrize("spec", FILES, ids=lambda path: path.stem)
def test_any_tie(backend: str, spec: Path) -> None:
    found = verify(check(spec.read_text()), [backend])
    assert found.ok, found.as_table()
