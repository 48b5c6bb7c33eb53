"""A fault that is planted in what a backend generates makes `verify` fail."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dslc.passes.pipeline import check_file
from dslc.tools.verify import Comparison
from tests.numeric.frameworks import backend_named, backend_params
from tests.verify.planted import Planted, replace_once

HERE = Path(__file__).parent
FAULTS = yaml.safe_load((HERE / "faults.yaml").read_text(encoding="utf-8"))


@cache
def specimen() -> Comparison:
    """The spec that the faults are planted in, with its reference."""
    checked = check_file(str(HERE / "specs" / "specimen.yaml"))
    return Comparison(checked, backend_named("torch"), seed=0, hasty=True)


def planted(name: str) -> list[Any]:
    """The faults of one backend."""
    marks = [pytest.mark.xdist_group(name), getattr(pytest.mark, name)]
    return [
        pytest.param(name, row["find"], row["put"], marks=marks, id=f"{name}: {row['fault']}")
        for row in FAULTS[name]
    ]


@pytest.mark.parametrize("backend", backend_params())
def test_as_generated_it_passes(backend: str) -> None:
    result = specimen().compare(backend_named(backend))
    assert result.ok, [*result.problems, *result.excesses()]


@pytest.mark.parametrize(
    ("backend", "find", "put"), [*planted("torch"), *planted("jax"), *planted("keras")]
)
def test_fault_is_found(backend: str, find: str, put: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = Planted(backend_named(backend), replace_once(find, put), monkeypatch)
    result = specimen().compare(faulty)
    assert not result.ok
    assert not any(stray(text) for text in result.problems), result.problems


def stray(problem: str) -> bool:
    """Whether a problem says that the planted text is no program, and not that it is wrong."""
    return any(word in problem for word in ("SyntaxError", "NameError", "nothing to edit"))
