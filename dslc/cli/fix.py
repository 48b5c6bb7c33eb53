"""`dslc check --fix`: applies the mends that are mechanical, and nothing else of the file changes."""

from __future__ import annotations

from dslc.source import split_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.cli.common import Call
    from dslc.diagnostics import Edit

MOST_ROUNDS = 20
"""How often a file is checked again: a mend may show the next mistake."""


def fix_file(call: Call, path: str, root: str | None = None) -> int:
    """Mends one spec in place; gives the number of mends. What it imports stays as it is.

    Raises:
        SourceError: the file cannot be read.
        OutputError: the file cannot be written.
    """
    count = 0
    for _ in range(MOST_ROUNDS):
        _, found = call.check(path, root)
        source = call.sources.get(path)
        edits = [edit for item in found for edit in item.fix if edit.span.file == path]
        if source is None or not edits or split_lines(source.text) != plain_lines(source.text):
            break
        text, applied = mended(source.text, edits)
        count += applied
        from dslc.files import write_atomic

        write_atomic(path, text, force=True)
    return count


def plain_lines(text: str) -> list[str]:
    """The lines of a text whose breaks are of the two usual kinds."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def mended(text: str, edits: Iterable[Edit]) -> tuple[str, int]:
    """The text with edits applied, and their number; of two that overlap the first counts."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    places = sorted(
        (
            starts[edit.span.line - 1] + edit.span.column - 1,
            starts[edit.span.end_line - 1] + edit.span.end_column - 1,
            edit.text,
        )
        for edit in edits
    )
    parts: list[str] = []
    position = count = 0
    for start, end, new in places:
        if start < position:
            continue
        parts += [text[position:start], new]
        position, count = end, count + 1
    return "".join([*parts, text[position:]]), count
