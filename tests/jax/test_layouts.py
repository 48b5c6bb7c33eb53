"""Channels last inside: every op meets the layout that it has or asks for, and transposes are few."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from dslc_jax import backend

from dslc.diagnostics import Report
from dslc.passes.pipeline import check_source
from dslc.source import Source
from tests.jax.harness import Pair, check, inputs_of, net

pytestmark = pytest.mark.jax

IMAGE = 'x: "f32[N, 4, 6, 8]"'
CLOSE = 1e-5


def body(source: str) -> str:
    """The statements of the main model's method."""
    return source.rpartition("def __call__")[2]


FEW = [
    ("- conv2d: {out: 3, kernel: 3}", "- relu:", "- max_pool2d: 2", 2),
    ("- flatten:", "- linear: 5", 1),
    ("- flatten:", "- dropout: 0.1", "- relu:", "- linear: 5", 1),
    ("- flatten:", 2),
    ("- flatten:\n  name: f", "- linear: 5", "- flatten:\n  from: f", 2),
    ("- flatten: 2", "- transpose: [0, 2, 1]", "- linear: 5", 1),
    ("- flatten: 3", "- conv2d: {out: 2, kernel: 1}", 2),
    ("- transpose: [0, 2, 3, 1]", "- layer_norm:", "- transpose: [0, 3, 1, 2]", 2),
    ("- global_avg_pool:", "- linear: 5", 1),
    ("- reduce_mean: [2, 3]", 1),
    ("- reduce_sum: {axis: 1, keep: true}", 2),
    ("- reduce_mean: 0", 2),
    ("- slice: {axis: 1, index: 2}", 1),
    ("- slice: {axis: 1, start: 1}", "- softmax: 1", 2),
    ("- concat: 1\n  from: [x, x]", 2),
    ("- parallel: {branches: [[relu], [{conv2d: {out: 3, kernel: 1}}]], join: concat}", 2),
    ("- split: {parts: 2, axis: 1}\n  name: s", "- mul:\n  from: [s.0, s.1]", 2),
    ("- split: {parts: 4, axis: 1, squeeze: true}\n  name: s", "- add:\n  from: [s.0, s.3]", 1),
    ("- layer_norm:", 3),
    ("- linear: 3", 3),
    ("- reshape: [N, 8, -1]", "- conv1d: {out: 3, kernel: 3}", "- batch_norm:", 4),
]
"""Steps on an image, and how many transposes the source has; at the door it has one for each way."""


@pytest.mark.parametrize("row", FEW, ids=lambda row: row[0][2:22])
def test_transposes_are_few(row: tuple[Any, ...]) -> None:
    *steps, transposes = row
    checked = net("\n".join(steps) + "\n  name: y", IMAGE)
    for io_layout in ("spec", "native"):
        text = body(backend.model_source(checked, io_layout=io_layout))
        assert text.count("transpose(") + text.count("swapaxes(") == transposes
    pair = Pair(checked, "native" if FEW.index(row) % 2 else "spec")
    assert pair.forward(inputs_of(checked, {"N": 3})) < CLOSE


def test_a_flattened_image_permutes_the_weight_behind_it() -> None:
    head = "params: {width: 3}"
    steps = "- conv2d: {out: 2 * width, kernel: 3}\n- flatten\n- linear: 5\n  name: y"
    checked = net(steps, IMAGE, head=head)
    source = backend.model_source(checked)
    assert 'kernel_metadata={"flattened": (2 * width, 4, 6)}' in source
    pair = Pair(checked)
    pair.agree(inputs_of(checked, {"N": 2}))
    assert (pair.jax.weights()["y.weight"] == pair.weights["y.weight"]).all()
    kernel = pair.jax.model.y.kernel[...]
    assert (kernel[0] == pair.weights["y.weight"][:, 0]).all()
    assert (kernel[1] == pair.weights["y.weight"][:, 4 * 6]).all()


def test_flattening_in_a_block_that_repeats() -> None:
    text = """
dslc: 1
name: Net
inputs: {x: "f32[N, 4, 6, 8]"}
blocks:
  Squeeze:
    inputs: {x: "f32[N, C, H, W]"}
    steps:
      - flatten
      - linear: C * H * W
        name: map
      - reshape: [N, C, H, W]
steps:
  - Squeeze:
    name: squeeze
    repeat: 2
outputs: {y: squeeze}
"""
    pair = Pair(check(text))
    pair.agree(inputs_of(pair.checked, {"N": 2}))


def test_images_that_are_made_inside() -> None:
    """No input is an image, so only the output knows of layouts."""
    checked = net("- linear: 24\n- reshape: [N, 2, 3, 4]\n  name: y", 'x: "f32[N, 5]"')
    for io_layout in ("spec", "native"):
        pair = Pair(checked, io_layout)
        assert pair.forward(inputs_of(checked, {"N": 2})) < CLOSE
    assert "io_layout" in backend.model_source(checked)


def test_without_images_there_is_no_layout() -> None:
    source = backend.model_source(net("- linear: 3\n  name: y", 'x: "f32[N, 5]"'))
    assert "io_layout" not in source
    assert "Literal" not in source


def test_losses_on_images_need_no_transpose() -> None:
    inputs = 'x: "f32[N, 5, H, W]", t: "i64[N, H, W]"'
    steps = "- conv2d: {out: 4, kernel: 1}\n  name: c\n- cross_entropy:\n  from: [c, t]\n  name: y"
    checked = net(steps, inputs)
    assert body(backend.model_source(checked)).count("transpose(") == 1
    Pair(checked).agree(inputs_of(checked, {"N": 2, "H": 3, "W": 5}))


STEPS: list[Callable[[random.Random], str]] = [
    lambda r: f"conv2d: {{out: {r.choice([4, 6])}, kernel: {r.choice([1, 3])}, padding: same}}",
    lambda r: "conv1d: {out: 4, kernel: 3, padding: 1}",
    lambda r: "relu:",
    lambda r: "batch_norm:",
    lambda r: (
        f"transpose: {r.choice([[0, 2, 3, 1], [0, 3, 1, 2], [0, 2, 1], [1, 0, 2, 3], [1, 0]])}"
    ),
    lambda r: f"flatten: {r.choice([1, 2, -2, 0])}",
    lambda r: f"softmax: {r.choice([1, 2, -1])}",
    lambda r: (
        f"reduce_mean: {{axis: {r.choice([[1], [2, 3], [0, 1]])}, keep: {r.choice(['true', 'false'])}}}"
    ),
    lambda r: f"slice: {{axis: {r.choice([1, 2, -1])}, {r.choice(['index: -1', 'start: 1'])}}}",
    lambda r: f"linear: {r.choice([3, 8])}",
    lambda r: "tanh:",
    lambda r: f"reshape: {r.choice(['[N, -1, 2, 2]', '[N, -1]', '[N, 4, -1]'])}",
    lambda r: (
        f"max_pool2d: {{kernel: 2, stride: {r.choice([1, 2])}, padding: {r.choice(['same', '1'])}}}"
    ),
    lambda r: "residual: [relu, {conv2d: {out: 4, kernel: 3, padding: 1}}]",
    lambda r: (
        "parallel: {branches: [[relu], [tanh]], join: " + r.choice(["concat", "stack", "mul"]) + "}"
    ),
]
JOINS = ["add:", "mul:", "concat: 1", "concat: -1", "matmul:"]


def random_net(seed: int) -> str:
    """A spec of random steps on random earlier values, each of which the checker accepts."""
    r = random.Random(seed)
    steps: list[str] = []
    names = ["x"]
    for _ in range(200):
        if len(steps) == 9:
            break
        step, source = r.choice(STEPS)(r), r.choice(names[-3:])
        if r.random() < 0.3:
            step, source = r.choice(JOINS), f"[{r.choice(names)}, {r.choice(names)}]"
        name = f"s{len(steps)}"
        found = f"  - {step}\n    from: {source}\n    name: {name}\n"
        if check_source(Source("net.yaml", whole([*steps, found], name)), Report()) is not None:
            steps.append(found)
            names.append(name)
    return whole(steps, names[-1])


def whole(steps: list[str], last: str) -> str:
    head = f"dslc: 1\nname: Net\ninputs: {{{IMAGE}}}\nsteps:\n"
    return head + "".join(steps) + f"outputs: {{y: {last}}}\n"


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int) -> None:
    text = random_net(seed)
    pair = Pair(check(text), "native" if seed % 2 else "spec")
    assert pair.forward(inputs_of(pair.checked, {"N": 2})) < CLOSE, text
