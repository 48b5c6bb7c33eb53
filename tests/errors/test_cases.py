"""Each wrong spec gives exactly the text beside it: `--update-golden` rewrites, then read the diff."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.cli.main import main

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
MOST_LINES = 12
PLACE = re.compile(r"^ *--> \S+\.yaml:[1-9][0-9]*:[1-9][0-9]*$")


@pytest.fixture
def in_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent / "cases")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
@pytest.mark.usefixtures("in_cases")
def test_a_wrong_spec_is_explained(
    case: Path, capsys: pytest.CaptureFixture[str], golden: Callable[[Path, str], None]
) -> None:
    status = main(["check", case.name])
    printed = capsys.readouterr()
    assert status == 1
    assert printed.out == ""
    golden(case.with_suffix(".txt"), printed.err)
    assert "Traceback" not in printed.err
    for block in blocks(printed.err):
        assert len(block) <= MOST_LINES
        assert block[0].startswith(("error[E", "warning[W"))
        assert PLACE.match(block[1])


def blocks(text: str) -> list[list[str]]:
    """The lines of each diagnostic; the count at the end is none."""
    parts = text.rstrip("\n").split("\n\n")[:-1]
    return [part.split("\n") for part in parts]


def test_every_golden_text_has_its_case() -> None:
    texts = {path.stem for path in (Path(__file__).parent / "cases").glob("*.txt")}
    assert texts == {case.stem for case in CASES}
