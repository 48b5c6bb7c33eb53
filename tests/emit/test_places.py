"""What a backend cannot write is told with the place in the spec."""

import pytest
from dslc_torch.project import backend

from dslc.api import loads
from dslc.emit.backend import BuildError

TIED = """\
dslc: 1
name: Net
inputs: {x: "f32[N, 8]"}
steps:
  - linear: 8
    name: first
  - group:
      - linear: 8
        name: second
        tie: {weight: first.weight}
    name: again
    repeat: 2
"""


def test_a_refusal_names_the_step() -> None:
    with pytest.raises(BuildError) as error:
        backend.project(loads(TIED).checked)
    span = error.value.span
    assert span is not None
    assert (span.line, span.column) == (8, 9)
    assert str(error.value).startswith(f"{span}: `first.weight` is tied inside `Again`")
