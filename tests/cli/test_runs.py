"""`dslc eval` and `dslc predict`: what they print and write, and what they refuse, on one run each."""

import csv
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from dslc.cli.main import main
from tests.train.projects import BACKENDS, environment, run, write_project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has ended; what reads it changes nothing."""
    made = write_project(tmp_path_factory.mktemp("run"), "resumed", "torch")
    assert run(made, "--epochs", "2").returncode == 0
    return made


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_eval_finds_what_the_run_measured(
    folder: Path, quiet: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", str(folder), "--device", "cpu", "--format", "json"]) == 0
    found = json.loads(capfd.readouterr().out)
    last = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert {f"held_out_{k}": v for k, v in found["metrics"].items()} == {
        name: value for name, value in last.items() if name.startswith("held_out_")
    }
    assert found["rows"] == 36


def test_predict_gives_the_outputs_by_name(folder: Path, quiet: Path) -> None:
    for name in ("out.npz", "out.csv"):
        call = ["predict", str(folder), "--data", "wine", "--batch", "50", "-o", name]
        assert main(call) == 0
    logits = np.load(quiet / "out.npz")["logits"]
    assert logits.shape == (178, 3)
    with (quiet / "out.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["logits.0", "logits.1", "logits.2"]
    assert (np.array(rows, np.float32) == logits).all()
    assert main(["predict", str(folder), "--data", "wine", "-o", "out.npz"]) == 2  # it exists


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_predicts_the_same(backend: str, folder: Path, quiet: Path) -> None:
    other = quiet / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("checkpoints"))
    record = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps({**record, "backend": backend}))
    for place, name in ((folder, "torch.npz"), (other, "other.npz")):
        assert main(["predict", str(place), "--data", "wine", "-o", name]) == 0
    one, two = (np.load(quiet / f"{name}.npz")["logits"] for name in ("torch", "other"))
    assert np.abs(one - two).max() < 1e-4 * np.abs(one).max()


def test_what_is_no_run_is_refused(
    folder: Path, quiet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = quiet / "broken"
    shutil.copytree(folder, broken, ignore=shutil.ignore_patterns("checkpoints"))
    (quiet / "empty").mkdir()
    refused(capsys, ["eval", "nowhere"], "nowhere: no such folder")
    refused(capsys, ["eval", "empty"], "empty: no folder of a run, which has a `run.json`")
    refused(capsys, ["eval", "broken", "--data", "none.npz"], "none.npz: no such file or folder")
    record = (broken / "run.json").read_text()
    for text in ("{", "[]", '{"backend": "lua"}', '{"backend": ["torch"]}'):
        (broken / "run.json").write_text(text)
        refused(capsys, ["eval", "broken"], "run.json: damaged")
    (broken / "run.json").write_text(record)
    weights = broken / "weights.safetensors"
    weights.write_bytes(b"no weights")
    call = ["predict", "broken", "--data", "wine", "-o", "o.npz"]
    refused(capsys, call, "not a safetensors file", status=1)
    weights.unlink()
    refused(capsys, ["eval", "broken"], "the run has not ended")
    script = broken / "train.py"
    weights.write_bytes(b"no weights")
    script.write_text(script.read_text().replace('"--evaluate"', '"--else"'))
    refused(capsys, ["eval", "broken"], "measures nothing")
    (broken / "net.yaml").write_text("dslc: 1\nname: Net\nstepz: []\n")
    refused(capsys, call, "stepz", status=1)


def test_what_does_not_fit_is_refused(
    folder: Path, quiet: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (quiet / "t.csv").write_text("a,b\n1,2\n")
    np.savez(quiet / "t.npz", features=np.zeros((4, 12), np.float32))
    call = ["predict", str(folder), "--data"]
    refused(capsys, [*call, "t.csv", "-o", "o.npz"], "has no column 'features'")
    refused(capsys, [*call, "t.npz", "-o", "o.npz"], "a row has shape [12], expected [13]")
    refused(capsys, [*call, "none.npz", "-o", "o.npz"], "none.npz: no such file")
    refused(capsys, [*call, "wine", "-o", "o.txt"], "ends on .npz, .csv, .parquet")
    refused(capsys, [*call, "wine", "-o", "o.npz", "--batch", "0"], "at least 1")
    monkeypatch.setattr("dslc.cli.predict.find_spec", lambda name: None)
    refused(capsys, [*call, "wine", "-o", "o.parquet"], "pip install pyarrow")
    assert not list(quiet.glob("o.*"))


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="missing: pyarrow")
def test_parquet_holds_the_same(folder: Path, quiet: Path) -> None:
    assert main(["predict", str(folder), "--data", "wine", "-o", "out.parquet"]) == 0
    from pyarrow.parquet import read_table

    assert read_table(quiet / "out.parquet").column_names == ["logits.0", "logits.1", "logits.2"]


WORDS = """
dslc: 1
name: Words
inputs: {ids: "i64[N, T]", length: "i64[N]", size: "f32[N, 2]"}
steps:
  - {embedding: {vocab: 20, dim: 8}, name: words, from: ids}
  - {lstm: 8, name: lstm, from: [words, length]}
  - {concat: 1, from: [lstm.last, size]}
  - {linear: 2, name: head}
outputs: {logits: head}
train:
  inputs: {label: "i64[N]"}
  data:
    source: rows.csv
    columns: {ids: text, size: [height, width]}
    stratify: label
    transforms:
      - {tokenise: {by: words, size: 20}}
      - {bucket: {sizes: [4, 8], lengths: length}}
      - {normalise: {of: size}}
  loss: {cross_entropy: {}, from: [logits, label]}
  metrics: [{accuracy: {}, from: [logits, label]}]
  optimizer: {adam: 1e-2}
  epochs: 2
  batch: 8
"""


def test_predict_changes_rows_as_training_did(
    quiet: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [
        ("good " * (k % 5 + 1) if k % 2 else "so bad", k % 7, 100 + k, k % 2) for k in range(60)
    ]
    table = "".join(f"{text.strip()},{high},{wide},{label}\n" for text, high, wide, label in rows)
    (quiet / "rows.csv").write_text(f"text,height,width,label\n{table}")
    (quiet / "new.csv").write_text(
        "text,height,width\n"
        + "".join(line.rpartition(",")[0] + "\n" for line in table.splitlines())
    )
    (quiet / "net.yaml").write_text(WORDS)
    assert main(["train", "net.yaml", "--backend", "torch", "-o", "run", "--device", "cpu"]) == 0
    assert main(["predict", "run", "--data", "new.csv", "-o", "out.npz"]) == 0
    capfd.readouterr()
    call = ["eval", "run", "--data", "rows.csv", "--device", "cpu", "--format", "json"]
    assert main(call) == 0
    measured = json.loads(capfd.readouterr().out)["metrics"]
    logits = np.load(quiet / "out.npz")["logits"].astype(np.float64)
    labels = np.array([label for *_, label in rows])
    shares = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    loss = -shares[np.arange(60), labels].mean()
    np.testing.assert_allclose(loss, measured["loss"], rtol=1e-5)
    (quiet / "run" / "learned.json").unlink()
    assert main(["predict", "run", "--data", "new.csv", "-o", "other.npz"]) == 2
    assert "learned.json" in capfd.readouterr().err


def refused(
    capsys: pytest.CaptureFixture[str], call: list[str], text: str, status: int = 2
) -> None:
    """A call ends with a status and one message, and no traceback."""
    assert main(call) == status
    error = capsys.readouterr().err
    assert text in error, error
    assert "Traceback" not in error
