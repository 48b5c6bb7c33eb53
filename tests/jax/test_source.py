"""The generated source: as a careful Flax user writes it, and clean by the project's own tools."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from dslc_jax import backend

from dslc.passes.pipeline import check_file
from tests.jax.harness import check, net

pytestmark = pytest.mark.jax

ROOT = Path(__file__).parents[2]
SPECS = [
    ROOT / "examples/digits/net.yaml",
    *sorted((ROOT / "specs/zoo").glob("*.yaml")),
    *sorted((ROOT / "tests/networks/specs").glob("*.yaml")),
    *sorted((ROOT / "tests/jax/specs").glob("*.yaml")),
]

ODD = """
dslc: 1
name: LSTM
inputs: {x: "f32[N, T, 4]", image: "f32[N, 3, H, W]"}
params: {io: 3, kernels: [3, 1], rate: 0.25, deep: true, rngs_: 2, jnp: 4}
blocks:
  BatchNorm:
    params: {kernel: int, momentum: 0.2}
    inputs: {x: "f32[N, C, H, W]"}
    steps:
      - conv2d: {out: C, kernel: [kernel, 2 * kernel - 1], padding: same, bias: false}
      - batch_norm: {momentum: momentum, eps: 1e-3}
      - conv2d: {out: jnp, kernel: kernel, padding: kernel // 2, dilation: 1}
  Array:
    inputs: {x: "f32[N, C, H, W]"}
    steps:
      - relu
steps:
  - lstm: 5
    name: memory
  - dropout: rate
  - group:
      - linear: io
        name: map
      - tanh
    name: gate
    when: deep
  - reduce_mean: 1
    name: mean
  - BatchNorm: {kernel: k}
    name: bn
    from: image
    repeat: {over: kernels, as: k}
  - Array:
    name: arr
  - global_avg_pool:
    name: pooled
  - concat: -1
    from: [mean, pooled]
    name: all
outputs: {all: all, last: memory.last, arr: arr}
"""


def tool(*arguments: str, text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", "model.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)


def sources() -> dict[str, str]:
    found = {path.stem: backend.model_source(check_file(str(path))) for path in SPECS}
    found["odd"] = backend.model_source(check(ODD))
    found["nothing"] = backend.model_source(net("- relu:\n  name: y", 'x: "f32[N, 3, H, W]"'))
    return found


def test_tools_have_nothing_to_say() -> None:
    for name, text in sources().items():
        ast.parse(text)
        formatted = tool("format", "--line-length=100", text=text)
        assert formatted.stdout == text, name
        checked = tool("check", "--line-length=100", "--ignore=D,ERA", text=text)
        assert checked.returncode == 0, name + checked.stdout


def test_odd_names_run() -> None:
    from tests.jax.harness import Pair, inputs_of

    pair = Pair(check(ODD))
    pair.agree(inputs_of(pair.checked, {"N": 2, "T": 3, "H": 5, "W": 4}))


def test_resnet50_is_short() -> None:
    source = backend.model_source(check_file(str(ROOT / "specs/zoo/resnet50.yaml")))
    assert source.count("\n") < 150
    tree = ast.parse(source)
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert classes == ["BatchNorm", "Downsample", "Bottleneck", "Layer", "ResNet50"]
    assert source.count("self.bottleneck.append(") == 1
    assert source.count("for bottleneck in self.bottleneck:") == 1


def test_the_same_spec_gives_the_same_text() -> None:
    checked = check(ODD)
    assert backend.model_source(checked) == backend.model_source(checked)
