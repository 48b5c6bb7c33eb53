"""Ops from an installed package: `tests/plugin` is a distribution of its own, and pip installs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "tests" / "plugin"
SHRINK = "dslc: 1\nname: Net\ninputs: {x: 'f32[N, 8]'}\nsteps:\n  - hard_shrink\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as pip installs it."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    for path in PLUGIN.rglob("*.*"):  # what a build leaves behind stays out of the repository
        if path.suffix in (".py", ".toml"):
            target = source / path.relative_to(PLUGIN)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder), str(source)], check=True)
    return folder


def call(site: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line where the package is installed."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends"), str(site)])
    return subprocess.run(
        [sys.executable, "-m", "dslc", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_backend_computes_them(site: Path) -> None:
    done = call(site, PLUGIN, "verify", "net.yaml", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["backends"].keys() == {"torch", "keras", "jax", "onnx"}


def test_what_is_built_needs_neither_dslc_nor_the_package(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = call(site, PLUGIN, "build", "net.yaml", "--backend", "torch", "-o", str(out))
    assert done.returncode == 0, done.stderr
    code = "import torch; from model import Borrowed; print(Borrowed()(torch.ones(2, 8)).shape)"
    environment = {**os.environ, "PYTHONPATH": ""}
    alone = f"import sys; sys.modules['dslc'] = sys.modules['dslc_extras'] = None; {code}"
    ran = subprocess.run(
        [sys.executable, "-c", alone],
        cwd=out,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "torch.Size([2, 4])\n"


@pytest.mark.parametrize("backend", ["keras", "jax", "onnx"])
def test_a_missing_rule_says_which_and_where(site: Path, tmp_path: Path, backend: str) -> None:
    (tmp_path / "net.yaml").write_text(SHRINK)
    done = call(site, tmp_path, "build", "net.yaml", "--backend", backend)
    place = site / "dslc_extras" / "hard_shrink.py"
    assert done.returncode == 1
    assert done.stderr == (
        f"dslc: net.yaml:5:5: `hard_shrink` has no rule in the {backend} backend: "
        f'add `@rule("{backend}", HardShrink)` in {place}\n'
    )


def test_a_misspelt_op_is_told_with_those_of_packages(site: Path, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SHRINK.replace("shrink", "shrnk"))
    done = call(site, tmp_path, "check", "net.yaml")
    assert done.returncode == 1
    assert "did you mean `hard_shrink`?" in done.stderr
    assert call(site, tmp_path, "ops", "hard_shrink").stdout.startswith("## hard_shrink")


def test_a_package_that_cannot_be_imported_is_one_line(site: Path, tmp_path: Path) -> None:
    (site / "dslc_extras-0.1.0.dist-info").rename(tmp_path / "dslc_extras-0.1.0.dist-info")
    (tmp_path / "net.yaml").write_text(SHRINK)
    done = call(tmp_path, tmp_path, "check", "net.yaml")
    (tmp_path / "dslc_extras-0.1.0.dist-info").rename(site / "dslc_extras-0.1.0.dist-info")
    assert done.returncode == 2
    assert done.stderr == (
        "dslc: the package dslc-extras, which declares the op `hard_shrink`, cannot be imported: "
        "ModuleNotFoundError: No module named 'dslc_extras'\n"
    )


def test_what_ships_is_found_without_looking_for_packages() -> None:
    code = (
        "import sys; from dslc.cli.main import main\n"
        "status = main(['check', 'specs/zoo/resnet50.yaml'])\n"
        "print(status, 'importlib.metadata' in sys.modules, 'dslc.plugin' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 False False"
