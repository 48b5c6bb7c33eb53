"""Diagnostics as JSON: one object a file, one line each."""

from __future__ import annotations

import json

from dslc.diagnostics.report import Diagnostic, Edit, Label
from dslc.diagnostics.text import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def render_json(
    file: str,
    diagnostics: Iterable[Diagnostic],
    facts: Iterable[str],
    params: Sequence[dict[str, object]] = (),
) -> str:
    """The line that `dslc check --format json` prints for one file.

    Args:
        file: the path as the user gave it.
        diagnostics: what was found, in order.
        facts: what the net asks of its inputs' symbols, as `H % 32 == 0`.
        params: the params that have a `doc`; only where there are some does the object have them.
    """
    found = list(diagnostics)
    record = {
        "file": file,
        "ok": all(item.severity != "error" for item in found),
        "diagnostics": [_record(item) for item in found],
        "facts": list(facts),
        **({"params": list(params)} if params else {}),
    }
    return json.dumps(record)


def _record(item: Diagnostic) -> dict[str, object]:
    """One diagnostic in the form that the command line promises."""
    span = item.span
    return {
        "code": item.code,
        "severity": item.severity,
        "message": cut(item.message),
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "help": None if item.help is None else cut(item.help),
        "labels": [_label(label, span.file) for label in item.labels],
        **({"fix": [_edit(edit) for edit in item.fix]} if item.fix else {}),
    }


def _label(label: Label, file: str) -> dict[str, object]:
    """A label; one in another file than its diagnostic's names that file."""
    span = label.span
    found: dict[str, object] = {
        "line": span.line,
        "column": span.column,
        "message": cut(label.message),
    }
    return found if span.file == file else {"file": span.file, **found}


def _edit(edit: Edit) -> dict[str, object]:
    """One edit of a mend."""
    span = edit.span
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "text": edit.text,
    }
