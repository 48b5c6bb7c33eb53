"""The JSON Schema agrees with the checker on what ships and on the commonest slips."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dslc.diagnostics.catalogue import codes, lookup
from dslc.tools.library import templates, zoo
from dslc.tools.reference import codes_page, ops_page
from dslc.tools.schema import json_schema

ROOT = Path(__file__).parents[2]
SPECS = [*zoo().values(), *templates().values(), *sorted((ROOT / "examples").glob("*/net.yaml"))]
LANGUAGE = ROOT / "specs" / "language"
VALIDATOR = jsonschema.Draft7Validator(json_schema())


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs_that_ship_are_valid(path: Path) -> None:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [error.message for error in VALIDATOR.iter_errors(found)] == []


@pytest.mark.parametrize(
    "code", [c for c in codes() if c[:3] in ("E03", "E04", "E05", "E06", "E07")]
)
def test_mended_examples_are_valid(code: str) -> None:
    text = lookup(code).good
    if text:
        found = yaml.safe_load(text)
        assert [error.message for error in VALIDATOR.iter_errors(found)] == []


def rename(mapping: dict[str, Any], old: str, new: str) -> None:
    mapping[new] = mapping.pop(old)


SLIPS: dict[str, Callable[[Any], None]] = {
    "top-level key": lambda spec: rename(spec, "inputs", "input"),
    "attribute": lambda spec: rename(spec["steps"][0]["conv2d"], "kernel", "kernal"),
    "op": lambda spec: rename(spec["steps"][0], "conv2d", "conv2b"),
    "reserved key": lambda spec: rename(spec["steps"][0], "name", "nmae"),
    "bare op": lambda spec: spec["steps"].insert(1, "rleu"),
    "default": lambda spec: rename(spec["defaults"]["conv2d"], "bias", "bais"),
    "block key": lambda spec: rename(spec["blocks"]["Bottleneck"], "steps", "step"),
    "bound": lambda spec: spec["steps"][0]["conv2d"].update(out=0),
    "name": lambda spec: spec.update(name="resnet"),
    "version": lambda spec: spec.update(dslc=2),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_are_refused(slip: str) -> None:
    spec = yaml.safe_load((ROOT / "specs" / "zoo" / "resnet50.yaml").read_text(encoding="utf-8"))
    assert list(VALIDATOR.iter_errors(spec)) == []
    wrong = copy.deepcopy(spec)
    SLIPS[slip](wrong)
    assert list(VALIDATOR.iter_errors(wrong)) != []


def test_the_reference_pages_are_as_generated(golden: Callable[[Path, str], None]) -> None:
    golden(LANGUAGE / "ops.md", ops_page())
    golden(LANGUAGE / "codes.md", codes_page())


def test_the_schema_file_is_as_generated(golden: Callable[[Path, str], None]) -> None:
    import json

    golden(LANGUAGE / "dslc.schema.json", json.dumps(json_schema(), indent=2) + "\n")
