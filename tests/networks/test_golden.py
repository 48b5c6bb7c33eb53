"""Golden networks: a spec, its IR text, and the modules generated from it.

The files are for reading diffs; that the modules are right is shown by running them elsewhere.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.emit.formal import formal_modules
from dslc.emit.lowering import outlined
from dslc.ir.printer import print_program
from dslc.ir.verifier import verify_program
from dslc.passes.pipeline import Checked, check_file
from tests.networks.papers import path_of

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SPECS = {
    "digits": ROOT / "examples/digits/net.yaml",
    **{path.stem: path for path in sorted((ROOT / "specs/zoo").glob("*.yaml"))},
    **{path.stem: path for path in sorted((HERE / "specs").glob("*.yaml"))},
    **{name: path_of(name) for name in ("retinanet",)},
}
BACKENDS = ("torch", "keras", "jax")


def checked(name: str, monkeypatch: pytest.MonkeyPatch) -> Checked:
    monkeypatch.chdir(SPECS[name].parent)
    return check_file(SPECS[name].name)


def ir_text(found: Checked) -> str:
    formals = formal_modules(found)
    return print_program(found.program, {f.module.name: f.values for f in formals})


@pytest.mark.parametrize("name", SPECS)
def test_ir_text(
    name: str, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checked(name, monkeypatch)
    verify_program(found.program)
    golden(HERE / "golden" / name / "ir.txt", ir_text(found))


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_module(
    name: str,
    backend: str,
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = checked(name, monkeypatch)
    source = importlib.import_module(f"dslc_{backend}").backend.model_source(found)
    assert source == importlib.import_module(f"dslc_{backend}").backend.model_source(found)
    golden(HERE / "golden" / name / f"{backend}_model.py", source)


@pytest.mark.parametrize("name", SPECS)
def test_outlining_keeps_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dslc.passes.weights import weights_of

    found = checked(name, monkeypatch)
    lowered = outlined(found)
    verify_program(lowered.program)
    before = [(weight.path, weight.shape, weight.role) for weight in found.weights()]
    assert [(w.path, w.shape, w.role) for w in weights_of(lowered.instance)] == before
    assert lowered.instance.outputs == found.instance.outputs
