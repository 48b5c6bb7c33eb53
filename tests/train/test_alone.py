"""A generated project runs where dslc is not: in an environment that has the frameworks alone."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from dslc.train.runtime import weights
from tests.train.projects import BACKENDS, checked, environment, random_columns, run, write_project


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment with this one's packages, but for editable ones."""
    folder = tmp_path_factory.mktemp("bare")
    made = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(made, check=True)
    interpreter = folder / "bin" / "python"
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run(
        [str(interpreter), "-c", query], capture_output=True, text=True, check=True
    ).stdout.strip()
    (Path(site) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return str(interpreter)


def test_dslc_is_not_there(python: str, tmp_path: Path) -> None:
    code = "import importlib.util as u; print(u.find_spec('dslc'), u.find_spec('numpy') is None)"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "None False"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_project_trains_alone(backend: str, python: str, tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", "reader", backend)
    arrays = random_columns("reader")
    np.savez(tmp_path / "rows.npz", ids=arrays["tokens"], **{"class": arrays["label"]})
    done = run(folder, "--data", str(tmp_path / "rows.npz"), python=python, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = weights.read(folder / "weights.safetensors")
    expected = {w.path: w.shape for w in checked("reader").weights()}
    assert {name: array.shape for name, array in found.items()} == expected
    assert (folder / "curves.html").stat().st_size > 900


def test_data_that_do_not_fit_end_the_run_in_one_line(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", "reader", "torch")
    arrays = random_columns("reader")
    arrays["tokens"][5, 2] = 20
    np.savez(tmp_path / "rows.npz", ids=arrays["tokens"], **{"class": arrays["label"]})
    done = run(folder, "--data", str(tmp_path / "rows.npz"))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"train.py: {tmp_path / 'rows.npz'}: column ids: row 5 is not in 0..19: 20"
    ]
    assert environment()["JAX_PLATFORMS"] == "cpu"
