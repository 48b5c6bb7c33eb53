"""Diagnostics as SARIF 2.1.0, which code scanners and editors read."""

from __future__ import annotations

import json

from dslc.diagnostics.catalogue import lookup
from dslc.diagnostics.text import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.diagnostics.report import Diagnostic
    from dslc.source import Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """One SARIF log of one run. Source: OASIS SARIF 2.1.0, sections 3.13 to 3.30."""
    codes = sorted({item.code for item in diagnostics})
    rules = [{"id": code, "shortDescription": {"text": lookup(code).title}} for code in codes]
    driver = {"name": "dslc", "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(item, codes) for item in diagnostics],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(item: Diagnostic, codes: Sequence[str]) -> dict[str, object]:
    """One diagnostic."""
    text = cut(item.message) + (f"\n{cut(item.help)}" if item.help else "")
    return {
        "ruleId": item.code,
        "ruleIndex": codes.index(item.code),
        "level": item.severity,
        "message": {"text": text},
        "locations": [_location(item.span)],
        "relatedLocations": [
            _location(label.span) | {"message": {"text": cut(label.message)}}
            for label in item.labels
        ],
    }


def _location(span: Span) -> dict[str, object]:
    """A place; the file's path is a URI."""
    from urllib.parse import quote

    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": quote(span.file)}, "region": region}}
