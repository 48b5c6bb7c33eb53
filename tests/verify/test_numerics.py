"""Every known difference of the frameworks' numbers is a regression case, and is found when planted."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dslc.passes.pipeline import check_file
from dslc.tools.verify import Comparison
from dslc.tools.verify_report import Compared
from dslc.tools.verify_training import compare_training
from tests.numeric.frameworks import backend_named
from tests.verify.planted import Planted, replace_once
from tests.verify.test_faults import stray
from tests.verify.test_onnx_faults import attribute

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROWS: dict[int, dict[str, Any]] = yaml.safe_load((HERE / "numerics.yaml").read_text("utf-8"))
LAST = 32
STEPS = 6


@cache
def comparison() -> Comparison:
    """The spec that the faults are planted in, with its reference."""
    checked = check_file(str(HERE / "specs" / "traps.yaml"))
    return Comparison(checked, backend_named("torch"), seed=0, hasty=True)


def planted(section: str) -> Iterator[Any]:
    """The faults of one section, each a parameter."""
    for row, fields in ROWS.items():
        for name, faults in fields.get(section, {}).items():
            for fault in faults:
                marks = [pytest.mark.xdist_group(name), getattr(pytest.mark, name)]
                yield pytest.param(name, fault, marks=marks, id=f"{row} {name}: {fields['trap']}")


def test_every_row_has_its_case() -> None:
    assert list(ROWS) == list(range(1, LAST + 1))
    assert all(fields.keys() > {"trap"} for fields in ROWS.values())


def test_what_rows_refer_to_is_there() -> None:
    known = (HERE / "faults.yaml").read_text("utf-8") + (HERE / "test_onnx_faults.py").read_text()
    for fields in ROWS.values():
        for fault in fields.get("known", ()):
            assert f"fault: {fault}," in known or f'"{fault}"' in known, fault
        for test in fields.get("tests", ()):
            path, _, name = test.partition("::")
            assert re.search(rf"def {name}", (ROOT / path).read_text("utf-8")), test


@pytest.mark.parametrize(("backend", "fault"), [*planted("planted")])
def test_a_fault_in_a_model_is_found(
    backend: str, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_found(comparison().compare(faulty(backend, fault, monkeypatch)))


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param(name, marks=[pytest.mark.xdist_group(name), getattr(pytest.mark, name)])
        for name in ("torch", "keras", "jax", "onnx")
    ],
)
def test_without_a_fault_nothing_is_found(backend: str) -> None:
    result = comparison().compare(backend_named(backend))
    if backend != "onnx":
        compare_training(comparison(), [backend_named(backend)], [result], STEPS)
    assert result.ok, [*result.problems, *result.excesses()]


@pytest.mark.parametrize(("backend", "fault"), [*planted("trained")])
def test_a_fault_in_training_is_found(
    backend: str, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import dslc.train.steps as steps

    load_script, edit = steps.load_script, replace_once(fault["find"], fault["put"])

    def load_edited(files: dict[str, Any]) -> Any:
        if f"dslc_{backend}" not in backend_of(files):
            return load_script(files)
        return load_script({**files, "train.py": edit(files["train.py"])})

    monkeypatch.setattr(steps, "load_script", load_edited)
    result = Compared(backend)
    compare_training(comparison(), [backend_named(backend)], [result], STEPS)
    assert_found(result)


def backend_of(files: dict[str, Any]) -> str:
    """The backend that a project is of, by what its script imports."""
    text = files["train.py"]
    return next(f"dslc_{n}" for n in ("keras", "jax", "torch") if f"import {n}\n" in text)


def faulty(backend: str, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A backend with a fault in what it generates."""
    if "find" in fault:
        edit = replace_once(fault["find"], fault["put"])
        return Planted(backend_named(backend), edit, monkeypatch)
    import dslc_onnx.driver
    import onnx

    export = dslc_onnx.driver.export

    def export_edited(*args: Any, **options: Any) -> bytes:
        model = onnx.load_from_string(export(*args, **options))
        attribute(fault["node"], fault["attribute"], fault["value"])(model)
        return model.SerializeToString()

    monkeypatch.setattr(dslc_onnx.driver, "export", export_edited)
    return backend_named(backend)


def assert_found(result: Compared) -> None:
    """The comparison fails, and not because the planted text is no program."""
    assert not result.ok
    assert not any(stray(text) or "it raised" in text for text in result.problems), result.problems
