"""Diagnostics as GitHub's workflow commands, which become annotations of a pull request."""

from __future__ import annotations

from dslc.diagnostics.text import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.diagnostics.report import Diagnostic


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One line for each diagnostic, with a line break at the end of each.

    Source: GitHub Docs, "Workflow commands for GitHub Actions".
    """
    return "".join(_line(item) + "\n" for item in diagnostics)


def _line(item: Diagnostic) -> str:
    """One workflow command; its properties and its message are escaped as GitHub asks."""
    span = item.span
    end = span.end_column - 1 if span.end_line == span.line else None
    properties = {
        "file": span.file,
        "line": span.line,
        "endLine": span.end_line,
        "col": span.column,
        "endColumn": end,
        "title": f"dslc {item.code}",
    }
    shown = ",".join(f"{k}={_property(str(v))}" for k, v in properties.items() if v is not None)
    message = cut(item.message) + (f" (help: {cut(item.help)})" if item.help else "")
    return f"::{item.severity} {shown}::{_data(message)}"


def _data(text: str) -> str:
    """A message with what would end it escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property's value with what would end it escaped."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
