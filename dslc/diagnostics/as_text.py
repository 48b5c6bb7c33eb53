"""Diagnostics as text for people: the line, a caret, where the other side came from, what to do.

Every diagnostic fits in twelve lines: what matters most stays, so the offending line and the help
are never dropped, and further labels and notes give way first.
"""

from __future__ import annotations

from dslc.diagnostics.report import Diagnostic, Label
from dslc.diagnostics.text import cut, escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dslc.source import Source, Span

_LINES_MOST = 12
_WINDOW = 150
_BOLD, _RED, _YELLOW, _BLUE, _RESET = "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[0m"


def render_human(
    diagnostics: Iterable[Diagnostic],
    sources: Mapping[str, Source],
    color: bool = False,
) -> str:
    """All diagnostics as text, a blank line between two, a line break at the end.

    Args:
        diagnostics: what to show, in this order.
        sources: the files by path; a file that is missing is named but not quoted.
        color: whether to use terminal colours.
    """
    blocks = [_Block(item, sources, color=color).render() for item in diagnostics]
    return "\n\n".join(blocks) + "\n" if blocks else ""


class _Block:
    """One diagnostic on its way to text."""

    def __init__(self, item: Diagnostic, sources: Mapping[str, Source], *, color: bool) -> None:
        self.item = item
        self.sources = sources
        self.color = color
        self.accent = _RED if item.severity == "error" else _YELLOW
        self.marks: list[tuple[Span, str]] = []
        self.width = 1

    def render(self) -> str:
        """The whole block, without a final line break."""
        notes = [f"= {cut(note)}" for note in self.item.notes]
        mends = [] if self.item.help is None else [f"= help: {cut(self.item.help)}"]
        first_label = 3 if any(self._known(label.span) for label in _others(self.item)) else 0
        notes = _shorten(notes, _LINES_MOST - 6 - len(mends) - first_label)
        lines_left = _LINES_MOST - 4 - len(notes) - len(mends)
        self.marks = self._choose_marks(lines_left)
        self.width = max((len(str(span.line)) for span, _ in self.marks), default=1)
        lines = self._head() + self._quotes()
        tail = [
            f"{self._gutter()} {self._paint(note[0], _BLUE)}{note[1:]}" for note in notes + mends
        ]
        if tail and self.marks:
            lines.append(f"{self._gutter()} {self._paint('|', _BLUE)}")
        return "\n".join(lines + tail)

    def _choose_marks(self, lines_left: int) -> list[tuple[Span, str]]:
        """The spans to quote, by position: the offending one and as many labels as fit."""
        item = self.item
        own = [label.message for label in item.labels if label.span == item.span]
        if not self._known(item.span):
            return []
        marks: list[tuple[Span, str]] = [(item.span, own[0] if own else "")]
        lines_left -= 2
        for label in _others(item):
            lines = 2 + (label.span.file != item.span.file)
            if lines <= lines_left and self._known(label.span):
                marks.append((label.span, label.message))
                lines_left -= lines
        return sorted(marks, key=lambda mark: (mark[0].file != item.span.file, mark[0]))

    def _known(self, span: Span) -> bool:
        """Whether the text at `span` can be quoted."""
        return span.file in self.sources

    def _head(self) -> list[str]:
        """The title and the place."""
        item = self.item
        title = self._paint(f"{item.severity}[{item.code}]", self.accent)
        arrow = self._paint("-->", _BLUE)
        return [
            f"{title}: {self._paint(cut(item.message), _BOLD)}",
            f"{self._gutter()}{arrow} {_place(item.span)}",
        ]

    def _quotes(self) -> list[str]:
        """Each quoted line with the marks below it."""
        if not self.marks:
            return []
        bar = self._paint("|", _BLUE)
        lines = [f"{self._gutter()} {bar}"]
        place: tuple[str, int] | None = None
        for span, message in self.marks:
            shown, offset, length = _window(self.sources[span.file].line(span.line), span)
            if place != (span.file, span.line):
                if span.file != (place[0] if place else self.item.span.file):
                    lines.append(f"{self._gutter()}{self._paint(':::', _BLUE)} {_place(span)}")
                number = str(span.line).rjust(self.width)
                lines.append(f"{self._paint(number, _BLUE)} {bar} {shown}".rstrip())
            place = (span.file, span.line)
            primary = span == self.item.span
            mark = self._paint(
                ("^" if primary else "-") * length, self.accent if primary else _BLUE
            )
            lines.append(f"{self._gutter()} {bar} {' ' * offset}{mark} {cut(message)}".rstrip())
        return lines

    def _gutter(self) -> str:
        """The blank that stands where a line number would."""
        return " " * self.width

    def _paint(self, text: str, style: str) -> str:
        """`text` in a style, if there is colour."""
        return f"{style}{text}{_RESET}" if self.color else text


def _place(span: Span) -> str:
    """Where a span begins, as editors understand it."""
    return f"{escape(span.file)}:{span.line}:{span.column}"


def _others(item: Diagnostic) -> list[Label]:
    """The labels that are not at the diagnostic's own span."""
    return [label for label in item.labels if label.span != item.span]


def _shorten(notes: list[str], most: int) -> list[str]:
    """The first and the last notes, and how many are missing between them."""
    if len(notes) <= most:
        return notes
    kept = most - 1
    first = (kept + 1) // 2
    missing = len(notes) - kept
    return [*notes[:first], f"= … {missing} more …", *notes[len(notes) - (kept - first) :]]


def _window(line: str, span: Span) -> tuple[str, int, int]:
    """The part of a line around a span: its text, the mark's offset and the mark's length."""
    start = min(span.column - 1, len(line))
    stop = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    stop = max(start + 1, min(stop, max(len(line), start + 1)))
    left = 0
    if len(line) > _WINDOW:
        left = max(0, min(start - _WINDOW // 3, len(line) - _WINDOW))
        stop = min(stop, left + _WINDOW)
    prefix = "…" if left else ""
    suffix = "…" if len(line) > left + _WINDOW else ""
    before = prefix + escape(line[left:start])
    marked = escape(line[start:stop])
    shown = before + marked + escape(line[stop : left + _WINDOW]) + suffix
    return shown, _columns(before), max(1, _columns(marked))


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1
        for character in text
    )
