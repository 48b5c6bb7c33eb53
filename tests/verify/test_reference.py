"""The reference is judged too: what it computes follows from the weights and inputs alone."""

from typing import Any

import pytest

from dslc.api import loads
from dslc.tools.verify import Comparison, verify
from tests.numeric.frameworks import backend_named, backend_params
from tests.verify.planted import Planted

SPEC = """\
dslc: 1
name: Net
inputs: {x: "f32[N, 3]"}
steps:
  - linear: 4
    name: head
"""


def compared(backend: Any, text: str = SPEC) -> list[str]:
    """The problems of a backend that is its own reference."""
    return Comparison(loads(text).checked, backend, seed=0).run([backend], 0).problems()


@pytest.mark.torch
@pytest.mark.xdist_group("torch")
def test_a_weight_that_no_file_holds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(source: str) -> str:
        made = source.replace(
            "__init__()\n", "__init__()\n        self.own = [nn.Linear(1, 1).bias.detach()]\n"
        )
        return made.replace("self.head(x)", "self.head(x) * self.own[0]")

    assert not compared(backend_named("torch"))
    problems = compared(Planted(backend_named("torch"), edit, monkeypatch))
    assert any("weights that are in no file" in problem for problem in problems)


@pytest.mark.torch
@pytest.mark.xdist_group("torch")
def test_a_draw_is_not_taken_for_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(source: str) -> str:
        return source.replace("self.head(x)", "self.head(x) + x.new_empty(4).normal_()")

    problems = compared(Planted(backend_named("torch"), edit, monkeypatch))
    assert any("draws at random" in problem for problem in problems)
    assert any("forward differs" in problem for problem in problems)


@pytest.mark.parametrize("backend", backend_params())
def test_what_is_drawn_in_use_is_compared_without_chance(backend: str) -> None:
    text = f"{SPEC}  - random_normal: {{shape: [N, 4], mean: 2}}\n    name: noise\n"
    text += "  - add:\n    from: [head, noise]\n  - random_categorical\n"
    found = verify(loads(text).checked, [backend])
    assert found.ok, found.as_table()
    assert "where nothing is left to chance" in found.as_table()
    assert "nothing is left" not in verify(loads(SPEC).checked, [backend]).as_table()
