"""References into repeats and steps that run again: what they mean, by numbers and by weights."""

import pytest

from dslc.diagnostics import Report
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source
from dslc.tools.verify import verify

TWICE = """
dslc: 1
name: Twice
inputs: {x: "f32[N, 4]"}
blocks:
  Layer:
    inputs: {x: "f32[N, D]"}
    steps:
      - linear: D
        name: inner
      - tanh
steps:
  - Layer:
    name: layer
    repeat: {times: 3, index: i}
  - reuse: layer
    name: again
  - add:
    from: [layer, again, layer.1]
    name: sum
  - mul:
    name: scaled
    from: [sum, "layer[2 - k]"]
    repeat: {times: 3, index: k}
outputs: {y: scaled}
"""


def check(text: str) -> Checked:
    report = Report()
    found = check_source(Source("net.yaml", text), report)
    assert found is not None, [item.message for item in report.diagnostics]
    return found


def test_a_step_that_runs_again_has_no_weights_of_its_own() -> None:
    paths = [weight.path for weight in check(TWICE).weights()]
    assert paths == [f"layer.{k}.inner.{own}" for k in range(3) for own in ("weight", "bias")]


@pytest.mark.onnx
@pytest.mark.torch
def test_a_repeat_that_runs_again_gives_the_same_numbers_everywhere() -> None:
    result = verify(check(TWICE), ["torch", "onnx"])
    assert result.ok, result.as_table()


@pytest.mark.torch
def test_the_generated_module_calls_the_same_layers() -> None:
    from dslc_torch import backend

    source = backend.model_source(check(TWICE))
    assert source.count("self.layer = ") == 1
    assert source.count("in self.layer") == 2
    assert "x * layers[2 - k]" in source


@pytest.mark.parametrize(
    ("where", "facts"),
    [
        ("", ("H % 8 == 0", "W % 8 == 0")),
        ("where: [H % 8 == 0]", ("H % 8 == 0", "W % 8 == 0")),
        ("where: [H % 8 == 0, W % 16 == 0]", ("H % 8 == 0", "W % 16 == 0")),
    ],
)
def test_the_facts_that_a_net_needs_are_found(where: str, facts: tuple[str, ...]) -> None:
    report = Report()
    text = f"""
dslc: 1
name: Down
inputs: {{x: "f32[N, 3, H, W]"}}
{where}
steps:
  - max_pool2d: 2
    name: down
    repeat: 3
  - parallel: {{branches: [[], []], join: stack, axis: 4}}
  - reshape: [N, 3, H // 8, W // 4]
  - parallel: {{branches: [[], []], join: stack, axis: 3}}
  - reshape: [N, 3, H // 4, W // 4]
"""
    check_source(Source("net.yaml", text), report)
    assert report.ok == (len(where) > 25)
    assert report.facts == facts
