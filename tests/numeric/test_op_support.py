"""The page of what is computed where says what the ops, cases and rules say, and has no empty cell.

`--update-golden` writes what has changed in them; the figures of ops that have none are taken by
`python -m tests.numeric.op_support`.
"""

from collections.abc import Callable
from pathlib import Path

from tests.numeric.frameworks import NAMES, backend_named
from tests.numeric.op_support import PAGE, UNKNOWN, known, lacking, page


def test_the_page_is_not_stale(golden: Callable[[Path, str], None]) -> None:
    for name in NAMES:
        backend_named(name)
    golden(PAGE, page(known(), lacking()))


def test_every_cell_says_something_and_no_error_is_too_large() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    assert len(rows) > 100
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert all(cells), row
        assert "inf" not in cells, row


def test_most_figures_are_taken() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count(f"| {UNKNOWN} |") < 200
