"""Runs whose rows stay on disk: the same figures as with rows in memory, in every framework."""

import json
from pathlib import Path

import numpy as np
import pytest

from dslc.passes.pipeline import check_file
from dslc.tools.backends import find_backend
from tests.train.projects import BACKENDS, run

SPEC = """
dslc: 1
name: Table
inputs: {{x: "f32[N, 2]"}}
steps: [{{linear: 8, name: inner}}, tanh, {{linear: 2, name: head}}]
train:
  inputs: {{label: "i64[N]"}}
  data: {{source: t.csv, cache: {cache}, columns: {{x: [a, b]}}, transforms: [{{normalise: {{of: x}}}}]}}
  loss: cross_entropy
  metrics: [accuracy]
  optimizer: {{adam: 0.01}}
  epochs: 2
  batch: 16
"""

TEXTS = """
dslc: 1
name: Texts
inputs: {{ids: "i64[N, T]"}}
steps:
  - embedding: {{vocab: 30, dim: 8}}
  - rnn: 8
  - linear: 30
train:
  inputs: {{target: "i64[N, T]"}}
  data:
    source: t.txt
    cache: {cache}
    columns: {{ids: text}}
    transforms: [{{tokenise: {{by: words, size: 30}}}}, {{window: 9}}, {{shift: target}}]
  loss: {{cross_entropy: {{axis: 2}}}}
  optimizer: {{adam: 0.01}}
  epochs: 2
  batch: 16
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two columns, and whether their product is positive."""
    path = tmp_path_factory.mktemp("table") / "t.csv"
    pairs = np.random.default_rng(0).standard_normal((200, 2))
    rows = "".join(f"{a},{b},{int(a * b > 0)}\n" for a, b in pairs)
    path.write_text(f"a,b,label\n{rows}")
    return path


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words, of which each tells the next."""
    path = tmp_path_factory.mktemp("text") / "t.txt"
    path.write_text("".join(f"word{k * k % 23}{' '[k % 7 :] or chr(10)}" for k in range(3000)))
    return path


def figures(folder: Path, data: Path, backend: str, cache: str, text: str = SPEC) -> list[float]:
    """The held-out figures of a run."""
    folder.mkdir()
    spec = folder / "net.yaml"
    spec.write_text(text.format(cache=cache))
    for file, content in find_backend(backend).project(check_file(str(spec))).items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / file).write_bytes(raw)
    done = run(folder, "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert (folder / "rows").is_dir() == (cache == "disk")
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line["held_out_loss"] for line in lines if "held_out_loss" in line]


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_on_disk_are_the_same_rows(backend: str, table: Path, tmp_path: Path) -> None:
    expected = figures(tmp_path / "memory", table, "torch", "memory")
    found = figures(tmp_path / "disk", table, backend, "disk")
    assert len(found) == 2
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_texts_on_disk_are_the_same_texts(backend: str, text: Path, tmp_path: Path) -> None:
    expected = figures(tmp_path / "memory", text, "torch", "memory", TEXTS)
    found = figures(tmp_path / "disk", text, backend, "disk", TEXTS)
    assert found == pytest.approx(expected, rel=1e-5)
    assert found[1] < found[0]
