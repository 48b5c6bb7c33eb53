"""The generated pages of the language reference: every op, every code."""

from __future__ import annotations

from dslc.diagnostics.catalogue import codes, lookup
from dslc.ops import all_ops
from dslc.tools.op_pages import op_page


def ops_page() -> str:
    """All ops by family, as `specs/language/ops.md` holds them."""
    ops = sorted(all_ops().values(), key=lambda op: (op.family, op.name))
    head = "# Ops\n\nGenerated from the op classes by `dslc schema --format markdown`."
    return "\n\n".join([head, *(op_page(op) for op in ops)]) + "\n"


def codes_page() -> str:
    """All codes with their stories, as `specs/language/codes.md` holds them."""
    head = "# Diagnostics\n\nGenerated from the catalogue by `dslc schema --format markdown`."
    return "\n\n".join([head, *(_code(code) for code in codes())]) + "\n"


def _code(code: str) -> str:
    """One code's section."""
    entry = lookup(code)
    parts = [f"## {code}: {entry.title}", entry.explanation]
    if entry.bad:
        parts += ["Wrong:", _fenced(entry.bad), "Right:", _fenced(entry.good)]
    return "\n\n".join(parts)


def _fenced(text: str) -> str:
    """An example in a fence; control characters are shown escaped."""
    shown = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    return "```yaml\n" + shown.rstrip("\n") + "\n```"
