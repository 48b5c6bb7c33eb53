"""Diagnostics: what is wrong, where, and what to write instead.

A diagnostic is data. Passes collect them in a `Report`; the renderers turn them into text. The
catalogue says what each code means; a code that is not in it cannot be reported.
"""

from dslc.diagnostics.nearest import meant, nearest
from dslc.diagnostics.report import Diagnostic, Edit, Label, Report, Severity, SpecError, mend
from dslc.diagnostics.text import escape, quote

__all__ = [
    "Diagnostic",
    "Edit",
    "Label",
    "Report",
    "Severity",
    "SpecError",
    "escape",
    "meant",
    "mend",
    "nearest",
    "quote",
    "render_human",
    "render_json",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dslc.diagnostics.as_json import render_json
    from dslc.diagnostics.as_text import render_human


def __getattr__(name: str) -> object:
    """Loads a renderer when it is first asked for: a successful check needs none."""
    if name == "render_human":
        from dslc.diagnostics.as_text import render_human

        return render_human
    if name == "render_json":
        from dslc.diagnostics.as_json import render_json

        return render_json
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
