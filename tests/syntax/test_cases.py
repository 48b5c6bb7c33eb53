"""Mistakes in YAML as files: `cases/*.yaml`, and beside each the message that it gets, `*.txt`.

To add a case, add a `.yaml` file and run `pytest --update-golden`.
"""

from pathlib import Path

import pytest

from dslc.diagnostics import Report, render_human
from dslc.source import Source
from dslc.syntax.reader import read

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_message(path, golden):
    source = Source(path.name, path.read_bytes().decode("utf-8"))
    report = Report()
    read(source, report)
    assert report.diagnostics
    golden(path.with_suffix(".txt"), render_human(report.diagnostics, {path.name: source}))


def test_every_message_belongs_to_a_case():
    texts = {path.stem for path in CASES[0].parent.glob("*.txt")}
    assert texts == {path.stem for path in CASES}
