"""The catalogue and the compiler agree: every code is explained, and every example shows its code."""

import ast
from pathlib import Path
from typing import Any

import pytest

from dslc.diagnostics import Diagnostic, Report
from dslc.diagnostics.catalogue import codes, lookup
from dslc.limits import DEFAULT_LIMITS
from dslc.loader import FolderLoader
from dslc.ops.base import Check
from dslc.passes.pipeline import check_source
from dslc.source import Source

ROOT = Path(__file__).parents[2]
FRAGMENTS = ("E01", "E02", "W0101", "W0102")
WHOLE_SPECS = [code for code in codes() if not code.startswith(FRAGMENTS)]
WITHOUT_EXAMPLE = {
    *("E0101", "E0707", "E0901", "E0902", "E0903", "E0904", "E0905", "E0906", "E0907", "E0909"),
    *("E1008", "E1009", "E1012"),
}
"""Those that need a call, a limit, bytes or a second file to show."""

LAST = "E0326"
"""The check behind all shape rules, that every size is positive: it sees what they let pass."""
SEEN_BY_EVALUATION = {"E0401", "E0417", "E0708", "E0721"}
"""Names without a value, found where they are read; evaluation would find them too (E0202)."""


def codes_in_source() -> set[str]:
    """Every string constant of the compiler that looks like a code, catalogue files apart."""
    found: set[str] = set()
    for path in (ROOT / "dslc").rglob("*.py"):
        if path.parent.name == "diagnostics" and path.name[:3] in {c[:3].lower() for c in codes()}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if len(text) == 5 and text[0] in "EW" and text[1:].isdigit():
                    found.add(text)
    return found


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    assert codes_in_source() - set(codes()) == set()


def test_every_code_in_the_catalogue_is_used() -> None:
    assert set(codes()) - codes_in_source() == set()


def test_every_code_has_an_example_or_a_reason() -> None:
    assert {code for code in codes() if not lookup(code).bad} == WITHOUT_EXAMPLE


@pytest.mark.parametrize("code", [code for code in WHOLE_SPECS if code not in WITHOUT_EXAMPLE])
def test_an_example_shows_its_code_and_the_mended_one_nothing(code: str) -> None:
    entry = lookup(code)
    assert found_in(entry.bad) == [code]
    assert [found for found in found_in(entry.good) if found[0] == "E" or code[0] == "W"] == []


@pytest.mark.parametrize("code", [c for c in WHOLE_SPECS if c not in WITHOUT_EXAMPLE])
def test_no_other_check_refuses_an_example(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the check of its code an example is refused by no other one: each check is needed.

    Where a check is the only thing between the example and code that cannot go on, it breaks.
    """
    add, require = Report.add, Check.require

    def add_others(self: Report, item: Diagnostic) -> None:
        if item.code != code:
            add(self, item)

    def require_others(self: Check, *claim: Any, **about: Any) -> None:
        if about.get("code", "E0301") not in (code, LAST):
            require(self, *claim, **about)

    monkeypatch.setattr(Report, "add", add_others)
    monkeypatch.setattr(Check, "require", require_others)
    try:
        found = found_in(lookup(code).bad)
    except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
        return
    behind = {"E0202"} if code in SEEN_BY_EVALUATION else set[str]()
    assert {other for other in found if other[0] == "E"} == behind


def found_in(text: str) -> list[str]:
    """The codes that a check of a spec reports."""
    report, source = Report(), Source("net.yaml", text)
    check_source(source, report, loader=FolderLoader(source, DEFAULT_LIMITS))
    return [item.code for item in report.diagnostics]
