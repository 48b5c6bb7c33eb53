"""The text of `train.py`: formatted, lint-clean, deterministic, with what the spec uses and no more."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.tools.backends import find_backend
from tests.train.projects import BACKENDS, SPECS, checked, project, write_project

NAMES = ("digits", *sorted(path.stem for path in SPECS.glob("*.yaml")))
GOLDEN = Path(__file__).parent / "golden"
RULES = "A,ARG,B,C4,E,F,I,N,PIE,RET,RUF,SIM,UP,W"
IGNORED = "E501,N812,RUF001,RUF002,RUF003"


def script(name: str, backend: str) -> str:
    text = project(name, backend)["train.py"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("backend", BACKENDS)
def test_projects_are_formatted_and_lint_clean(backend: str, tmp_path: Path) -> None:
    for name in NAMES:
        write_project(tmp_path / name, name, backend)
    ruff = str(Path(sys.executable).with_name("ruff"))
    shared = ("--isolated", "--line-length", "100", "--target-version", "py311")
    roots = f"src = {json.dumps([str(tmp_path / name) for name in NAMES])}"
    rules = ("--no-cache", "--select", RULES, "--ignore", IGNORED, "--config", roots)
    scripts = [f"{name}/{file}" for name in NAMES for file in ("train.py", "data.py")]
    for command in (["format", "--check", *shared, "."], ["check", *shared, *rules, *scripts]):
        done = subprocess.run(
            [ruff, *command], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["digits", "shift", "heads", "slope", "gan"])
def test_golden_scripts(name: str, backend: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}_{backend}.py", script(name, backend))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_same_spec_gives_the_same_bytes(backend: str) -> None:
    assert dict(find_backend(backend).project(checked("shift"))) == dict(project("shift", backend))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_is_defined_is_used(name: str, backend: str) -> None:
    tree = ast.parse(script(name, backend))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            defined |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    used = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert defined - used == set()


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_spec_does_not_use_is_not_there(backend: str) -> None:
    plain = script("frozen", backend)
    for word in (
        "WARMUP",
        "def learning_rate",
        "NO_DECAY",
        "WEIGHT_DECAY",
        "bfloat16",
        "def moments",
    ):
        assert word not in plain, word
    whole = script("reader", backend)
    for word in ("HELD_OUT", "def measure", "def metrics_of", " split(", "average"):
        assert word not in whole, word
    assert "--data" in whole
    assert "--data" not in plain
    assert ("FROZEN" in plain, "FROZEN" in whole) == (True, False)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_project_describes_itself(backend: str) -> None:
    files = project("shift", backend)
    readme = str(files["README.md"])
    assert readme.startswith("# Next\n")
    assert "python train.py" in readme
    assert "| output | `features` |" in readme
    assert 'name = "next"' in str(files["pyproject.toml"])
    assert files["net.yaml"] == (SPECS / "shift.yaml").read_text(encoding="utf-8")
    assert files["data.py"] == project("shift", "torch")["data.py"]
    for module in ("checkpoint", "initial", "progress", "weights"):
        source = Path(sys.modules["dslc"].__path__[0]) / "train" / "runtime" / f"{module}.py"
        assert files[f"{module}.py"] == source.read_bytes()


def test_golden_data(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "digits_data.py", str(project("digits", "torch")["data.py"]))


@pytest.mark.parametrize("name", ["digits", "shift", "gan"])
def test_data_are_read_by_the_same_text_in_every_framework(name: str) -> None:
    assert len({project(name, backend)["data.py"] for backend in BACKENDS}) == 1
