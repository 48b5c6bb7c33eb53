"""What a round both carries on and hands out is computed once: a draw in it would be another one."""

import pytest

from dslc.api import loads
from dslc.tools.backends import find_backend

ROUNDS = """\
dslc: 1
name: Net
inputs: {x: "f32[N, 4, H, W]"}
steps:
  - scan:
      carry: {h: x}
      steps:
        - tanh
        - dropout: 0.5
          name: dropped
      next: {h: dropped}
      times: 3
    name: rounds
outputs: {y: rounds}
"""


@pytest.mark.parametrize("backend", ["torch", "jax", "keras"])
def test_a_round_writes_its_value_once(backend: str) -> None:
    files = find_backend(backend).project(loads(ROUNDS).checked)
    assert files["model.py"].count("tanh(") == 1
