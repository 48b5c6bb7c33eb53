"""What a backend cannot write is told with the place in the spec."""

from typing import Any

import pytest
from dslc_torch.project import backend
from dslc_torch.rules import RULES

from dslc.api import loads
from dslc.emit.backend import BuildError
from dslc.ops.recurrent import Lstm

NET = """\
dslc: 1
name: Net
inputs: {x: "f32[N, T, 8]"}
steps:
  - linear: 8
    name: first
  - lstm: 8
    name: second
"""


def test_a_refusal_names_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(context: Any) -> str:
        raise BuildError(f"`{context.op.name}` has no form here")

    monkeypatch.setitem(RULES.table, Lstm, refuse)
    with pytest.raises(BuildError) as error:
        backend.project(loads(NET).checked)
    span = error.value.span
    assert span is not None
    assert (span.line, span.column) == (7, 5)
    assert str(error.value) == f"{span}: `lstm` has no form here"


def test_an_absent_round_that_takes_no_input_is_refused_where_it_stands() -> None:
    found = loads("""
dslc: 1
name: Tokens
inputs: {x: "f32[N, 6]"}
steps:
  - parameter: [6]
    name: bias
    repeat: {times: 3, index: i}
    when: i != 1
  - add:
    from: [bias, x]
    name: total
outputs: {y: total}
""").checked
    with pytest.raises(BuildError, match="`bias` repeats, takes no input, and is absent"):
        backend.project(found)
