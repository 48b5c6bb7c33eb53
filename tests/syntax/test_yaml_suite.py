"""The YAML project's own documents: each is read, or refused with one diagnostic that has a place.

The documents are no part of this repository. `YAML_TEST_SUITE` names their folder, else it is looked
for beside the repository.
"""

import json
import os
from pathlib import Path

import pytest

from dslc.diagnostics import Report, SpecError
from dslc.source import read_source
from dslc.syntax.reader import read
from tests.syntax.reading import plain

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "yaml-test-suite"
SUITE = Path(os.environ.get("YAML_TEST_SUITE", BESIDE))
DOCUMENTS = sorted(path.parent for path in SUITE.glob("**/in.yaml"))
LIBYAML_READS_OTHERWISE = {"652Z", "HM87/01", "JEF9/02", "L24T/01", "Y2GN"}
"""`?x` in braces, spaces on the last line of a block text, a colon in an anchor's name."""
pytestmark = pytest.mark.skipif(
    not DOCUMENTS, reason="the YAML Test Suite is not here (YAML_TEST_SUITE names its folder)"
)


def read_document(folder):
    """The tree and the errors of one document."""
    report = Report()
    try:
        node = read(read_source(folder / "in.yaml"), report)
    except SpecError as error:
        return None, list(error.diagnostics)
    return node, [item for item in report.diagnostics if item.severity == "error"]


@pytest.mark.parametrize("folder", DOCUMENTS, ids=lambda path: str(path.relative_to(SUITE)))
def test_a_value_or_one_diagnostic_with_a_position(folder):
    node, errors = read_document(folder)
    assert len(errors) == 1 or (node is not None and not errors)
    for error in errors:
        assert error.span.line >= 1
        assert error.span.column >= 1
        assert error.message


def test_as_many_invalid_documents_are_refused_as_libyaml_refuses():
    invalid = [folder for folder in DOCUMENTS if (folder / "error").exists()]
    refused = [folder for folder in invalid if read_document(folder)[1]]
    assert len(invalid) == 94
    assert len(refused) >= 82


def test_valid_documents_mean_what_the_suite_says():
    """Documents within the language's part of YAML have the values of their `in.json`."""
    compared, wrong = 0, []
    for folder in DOCUMENTS:
        meaning = folder / "in.json"
        node, errors = read_document(folder)
        if (folder / "error").exists() or not meaning.exists() or errors:
            continue
        expected = json.loads(meaning.read_text(encoding="utf-8"))
        compared += 1
        if plain(node) != expected:
            wrong.append(str(folder.relative_to(SUITE)))
    assert compared > 150
    assert set(wrong) == LIBYAML_READS_OTHERWISE
