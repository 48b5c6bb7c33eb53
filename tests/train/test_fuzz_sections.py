"""Random `train` sections: what the checker takes is written in every framework, and trains alike.

A bounded number; `make fuzz N=2000` writes 666 of them and trains with 100.
"""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dslc.diagnostics import Report
from dslc.emit.backend import BuildError
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source
from dslc.tools.backends import find_backend
from dslc.tools.verify import verify
from tests.fuzz.sections import section
from tests.train.projects import BACKENDS

EXAMPLES = settings().max_examples
few = settings(phases=[Phase.generate], suppress_health_check=list(HealthCheck))
drawn = st.integers(0, 2**32).map(lambda seed: section(Random(seed)))


def checked(text: str) -> Checked | None:
    return check_source(Source("net.yaml", text), Report())


def projects(spec: Checked) -> dict[str, Mapping[str, str | bytes]]:
    """The projects in all backends but those that say what they do not have."""
    found: dict[str, Mapping[str, str | bytes]] = {}
    for name in BACKENDS:
        with suppress(BuildError):
            found[name] = find_backend(name).project(spec)
    return found


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)


@settings(few, max_examples=EXAMPLES // 3)
@given(drawn)
def test_fuzz_sections_are_written(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    spec = checked(text)
    if spec is None:
        return
    folder = tmp_path_factory.mktemp("written")
    for name, files in projects(spec).items():
        write(folder / name, {k: v for k, v in files.items() if k.endswith(".py")})
    words = ["-m", "ruff", "check", "--isolated", "--no-cache", "--select=E9,F", str(folder)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{text}"


@pytest.mark.keras
@pytest.mark.jax
@pytest.mark.xdist_group("keras")
@settings(few, max_examples=EXAMPLES // 20)
@given(drawn)
def test_fuzz_sections_train_alike(text: str) -> None:
    spec = checked(text)
    if spec is None:
        return
    names = list(projects(spec))
    if "torch" not in names:
        return
    tensorflow = pytest.importorskip("tensorflow", reason="missing: tensorflow")
    found = verify(spec, names, train_steps=3)
    tensorflow.config.run_functions_eagerly(False)  # as `compile: false` had it
    assert found.ok, f"{found.as_table()}\n{text}"
