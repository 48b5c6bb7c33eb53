"""What a backend cannot write is told with the place in the spec."""

import pytest
from dslc_torch.project import backend

from dslc.api import loads
from dslc.emit.backend import BuildError

OPTIONAL = """\
dslc: 1
name: Net
params: {deep: true}
inputs: {x: "f32[N, 8]"}
blocks:
  Two:
    steps:
      - linear: 8
        name: first
      - tanh
    outputs: {first: first}
steps:
  - Two:
    name: pair
    when: deep
  - add:
    from: [pair, pair.first]
"""


def test_a_refusal_names_the_step() -> None:
    with pytest.raises(BuildError) as error:
        backend.project(loads(OPTIONAL).checked)
    span = error.value.span
    assert span is not None
    assert (span.line, span.column) == (13, 5)
    assert str(error.value).startswith(f"{span}: `pair` gives several values and has a `when`")
