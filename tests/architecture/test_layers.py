"""Data flows one way: the core imports no backend and no framework, a backend no other backend."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from dslc.ops import all_ops

ROOT = Path(__file__).parents[2]
BACKENDS = {
    "dslc_torch": {"torch"},
    "dslc_keras": {"keras", "tensorflow"},
    "dslc_jax": {"jax", "flax", "optax", "orbax"},
    "dslc_onnx": {"onnx", "onnx_ir", "onnxruntime"},
}
FRAMEWORKS = set[str]().union(*BACKENDS.values())
HEAVY = FRAMEWORKS | {"numpy", "jsonschema", "sklearn", "safetensors", "rich"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_core_imports_no_backend_and_no_framework() -> None:
    forbidden = FRAMEWORKS | BACKENDS.keys()
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "dslc").rglob("*.py")
        for name in imports(path)
        if name in forbidden
    }
    assert not found


@pytest.mark.parametrize("backend", BACKENDS)
def test_backend_imports_no_other_backend(backend: str) -> None:
    forbidden = BACKENDS.keys() - {backend}
    found = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "backends" / backend).rglob("*.py")
        for name in imports(path)
        if name in forbidden
    }
    assert not found


def test_check_imports_nothing_heavy() -> None:
    code = (
        "import sys; from dslc.cli.main import main\n"
        "try: main(['check', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    spec = ROOT / "specs/zoo/resnet50.yaml"
    done = subprocess.run(
        [sys.executable, "-c", code, str(spec)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "dslc" in loaded
    assert not loaded & (HEAVY | BACKENDS.keys())


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_op_has_a_rule_or_a_stated_reason(backend: str) -> None:
    rules = importlib.import_module(f"{backend}.rules").RULES
    missing = [
        name for name, op in all_ops().items() if op not in rules.table and not rules.gaps.get(op)
    ]
    assert not missing


def test_what_goes_into_projects_has_a_hundred_columns() -> None:
    wide: list[str] = []
    found = [(ROOT / "backends").rglob("helpers*.py"), (ROOT / "backends").rglob("runtime/*.py")]
    for path in chain(*found, (ROOT / "dslc").rglob("runtime/*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        plain = [line.split("  # pyright:")[0].split("  # noqa")[0] for line in lines]
        where = path.relative_to(ROOT)
        wide += [f"{where}:{k}" for k, line in enumerate(plain, 1) if len(line) > 100]
    assert not wide


def test_sizes_of_files_and_functions() -> None:
    long_files: list[str] = []
    long_functions: list[str] = []
    for path in [*(ROOT / "dslc").rglob("*.py"), *(ROOT / "backends").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            long_files.append(str(path.relative_to(ROOT)))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 50:
                long_functions.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert not long_files
    assert not long_functions
