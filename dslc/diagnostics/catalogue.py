"""What each code means: its title, its story, and an example with its mend.

`dslc explain E0105` prints an entry, and a code without an entry cannot be reported. The entries
are data, one file per range of codes beside this one, each a dict `ENTRIES`; a range is loaded only
when a code of it is reported or explained, so a successful check loads none.

To add a code: take the next free number of its range, add its `Entry` to the file of that range,
and report it. The title is terse and general (the message names the case at hand); the explanation
says in a few sentences why it is a mistake; `bad` is the smallest text that shows it and `good` the
same text mended. A code is never reused for another meaning. To add a range, add a file and its
line in `_RANGES`.
"""

from __future__ import annotations

_RANGES = {
    "E01": "e01_reading",
    "E02": "e02_expressions",
    "E03": "e03_shapes",
    "E04": "e04_names",
    "E05": "e05_ops",
    "E06": "e06_structure",
    "E07": "e07_params",
    "E08": "e08_training",
    "E09": "e09_limits",
    "E10": "e10_imports",
    "E11": "e11_weights",
    "W01": "w01_warnings",
    "W10": "w10_imports",
}

_loaded: dict[str, dict[str, Entry]] = {}


class Entry:
    """What one code means.

    Args:
        title: one terse line, without the case at hand.
        explanation: why it is a mistake, in a few sentences.
        bad: a small text that has it.
        good: the same text, mended.
    """

    __slots__ = ("bad", "explanation", "good", "title")

    def __init__(self, title: str, explanation: str, bad: str = "", good: str = "") -> None:
        self.title = title
        self.explanation = explanation
        self.bad = bad
        self.good = good


def lookup(code: str) -> Entry:
    """The entry of a code.

    Raises:
        KeyError: there is no such code.
    """
    return _entries(code[:3])[code]


def require(code: str, severity: str) -> None:
    """Checks that a code exists and begins with the letter of its severity.

    Raises:
        KeyError: there is no such code, or it is of the other severity.
    """
    letter = "E" if severity == "error" else "W"
    if not code.startswith(letter) or code not in _entries(code[:3]):
        raise KeyError(f"no diagnostic {code!r} of severity {severity!r} in the catalogue")


def codes() -> list[str]:
    """All codes, in order."""
    return [code for prefix in _RANGES for code in sorted(_entries(prefix))]


def _entries(prefix: str) -> dict[str, Entry]:
    """The entries of one range, loaded on first use; each code must be of that range."""
    if prefix not in _RANGES:
        raise KeyError(f"no range of codes {prefix!r} in the catalogue")
    if prefix not in _loaded:
        from importlib import import_module

        entries: dict[str, Entry] = import_module(f"dslc.diagnostics.{_RANGES[prefix]}").ENTRIES
        for code in entries:
            if not (code.startswith(prefix) and len(code) == 5 and code[1:].isdigit()):
                raise KeyError(f"code {code!r} does not belong to the range {prefix!r}")
        _loaded[prefix] = entries
    return _loaded[prefix]
