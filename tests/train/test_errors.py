"""Each wrong section gives exactly the text beside it: `--update-golden`, then read the diff."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.cli.main import main

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_wrong_section_is_explained(
    case: Path,
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(case.parent)
    status = main(["check", case.name])
    printed = capsys.readouterr()
    assert status == 1
    assert printed.out == ""
    golden(case.with_suffix(".txt"), printed.err)


def test_errors_of_the_section_are_reported_beside_those_of_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "net.yaml"
    text = (CASES[0].parent / "unknown_words.yaml").read_text()
    spec.write_text(text.replace("linear: 3", "linaer: 3"))
    assert main(["check", str(spec)]) == 1
    printed = capsys.readouterr().err
    assert "E0501" in printed
    assert "E0802" in printed
    assert "E0602" in printed
