"""The page of the section is generated, and what it shows is right."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dslc.api import loads
from dslc.tools.schema import json_schema
from dslc.tools.training_page import training_page
from dslc.train.optimizers import Optimizer
from dslc.train.schedules import Schedule
from tests.train.projects import SPECS

LANGUAGE = Path(__file__).parents[2] / "specs" / "language"
VALIDATOR = jsonschema.Draft7Validator(json_schema())


def test_the_page_is_as_generated(golden: Callable[[Path, str], None]) -> None:
    golden(LANGUAGE / "training.md", training_page())


def test_its_spec_is_right() -> None:
    (text,) = re.findall(r"```yaml\n(dslc: 1\n.*?)```", training_page(), re.DOTALL)
    assert loads(text).checked.train is not None


def test_every_choice_has_its_section() -> None:
    for name in (*Optimizer.choices, *Schedule.choices):
        assert f"\n### {name}\n" in training_page()


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_schema_takes_what_the_checker_takes(path: Path) -> None:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [error.message for error in VALIDATOR.iter_errors(found)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"optimiser": {"sgd": 0.1}},
        {"optimizer": {"adamv": {"lr": 0.1}}},
        {"optimizer": {"sgd": {"lr": 0.1, "momentun": 0.9}}},
        {"schedule": "cosin"},
        {"data": {"source": "wine", "splitt": 0.2}},
        {"epochs": 0},
        {"precision": "bf61"},
        {"loss": None},
    ],
    ids=str,
)
def test_the_schema_refuses_what_the_checker_refuses(change: dict[str, Any]) -> None:
    found = yaml.safe_load((SPECS / "wine.yaml").read_text(encoding="utf-8"))
    found["train"] |= change
    assert list(VALIDATOR.iter_errors(found)) != []


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "mse"},
        {"phases": []},
        {"phases": [{"update": ["Critic"], "loss": "mse"}]},
        {"phases": [{"update": [], "loss": "mse", "optimizer": "sgd"}]},
        {"phases": [{"update": "Critic", "loss": "mse", "optimizer": "sgd", "every": 0}]},
        {"phases": [{"update": "Critic", "loss": "mse", "optimizer": "sgd", "epochs": 2}]},
    ],
    ids=str,
)
def test_the_schema_refuses_phases_that_the_checker_refuses(change: dict[str, Any]) -> None:
    found = yaml.safe_load((SPECS / "gan.yaml").read_text(encoding="utf-8"))
    found["train"] |= change
    assert list(VALIDATOR.iter_errors(found)) != []
