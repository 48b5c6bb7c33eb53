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
    refused(capsys, ["eval", "broken", "--data", "none.npz"], "none.npz: no such file")
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


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")
def test_parquet_holds_the_same(folder: Path, quiet: Path) -> None:
    assert main(["predict", str(folder), "--data", "wine", "-o", "out.parquet"]) == 0
    from pyarrow.parquet import read_table

    assert read_table(quiet / "out.parquet").column_names == ["logits.0", "logits.1", "logits.2"]


def refused(
    capsys: pytest.CaptureFixture[str], call: list[str], text: str, status: int = 2
) -> None:
    """A call ends with a status and one message, and no traceback."""
    assert main(call) == status
    error = capsys.readouterr().err
    assert text in error, error
    assert "Traceback" not in error
