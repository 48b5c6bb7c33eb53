"""The runtime modules run without dslc, without each other, and import little."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from dslc.train import runtime

MODULES = sorted(
    path
    for path in Path(runtime.__file__).parent.glob("*.py")
    if path.name != "__init__.py" and not path.stem.startswith("data")  # parts of one `data.py`
)
ALLOWED = {"numpy", "safetensors"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module.partition(".")[0])
    assert found - set(sys.stdlib_module_names) <= ALLOWED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_copy_alone_imports(path, tmp_path):
    (tmp_path / path.name).write_bytes(path.read_bytes())
    command = f"import sys, {path.stem}; assert not [m for m in sys.modules if 'dslc' in m]"
    subprocess.run(
        [sys.executable, "-W", "error", "-c", command],
        cwd=tmp_path,
        check=True,
    )


def test_there_are_modules():
    assert {path.stem for path in MODULES} >= {"weights", "initial", "record", "checkpoint"}
