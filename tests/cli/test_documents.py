"""Whole specs in the documents are right, and the README lists the commands that exist."""

import re
from pathlib import Path

import pytest

from dslc.api import loads
from dslc.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"```yaml\n(dslc: 1\n.*?)```", re.DOTALL)
PAGES = ("README.md", "specs/language/reference.md")
SPECS = [
    pytest.param(text, id=f"{page}-{number}")
    for page in PAGES
    for number, text in enumerate(FENCE.findall((ROOT / page).read_text(encoding="utf-8")))
]


def test_there_are_specs_to_check() -> None:
    assert len(SPECS) >= 3


@pytest.mark.parametrize("text", SPECS)
def test_a_spec_in_a_document_is_right(text: str) -> None:
    assert loads(text).outputs


def test_the_readme_lists_every_command_and_no_other() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `dslc ")]
    assert {word for row in rows for word in re.findall(r"`dslc (\w+)", row)} == set(COMMANDS)
