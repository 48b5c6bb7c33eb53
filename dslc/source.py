"""Source text and positions in it.

Every message of the compiler points into a file, so the text and its positions are the first data
there is. Lines and columns count from 1, columns in code points, and ends are exclusive: what an
editor shows. A `Span` is a tuple underneath, because a large spec makes tens of thousands of them.
"""

from __future__ import annotations

import os
import stat

from dslc.limits import DEFAULT_LIMITS, Limits

_LINE_BREAKS = ("\r", "\x85", "\u2028", "\u2029")


class Span(tuple[str, int, int, int, int]):
    """A stretch of one file: from `line:column` up to but excluding `end_line:end_column`."""

    __slots__ = ()

    def __new__(cls, file: str, line: int, column: int, end_line: int, end_column: int) -> Span:
        """Makes a span of its five parts."""
        return super().__new__(cls, (file, line, column, end_line, end_column))

    @property
    def file(self) -> str:
        """The path as the user gave it."""
        return self[0]

    @property
    def line(self) -> int:
        """The first line, from 1."""
        return self[1]

    @property
    def column(self) -> int:
        """The first column, from 1, in code points."""
        return self[2]

    @property
    def end_line(self) -> int:
        """The line that holds the end."""
        return self[3]

    @property
    def end_column(self) -> int:
        """The column just after the last character."""
        return self[4]

    def part(self, text: str, start: int, stop: int) -> Span:
        """The span of `text[start:stop]`, where `text` is the scalar that this span covers.

        Exact when the scalar stands in the file as it reads (plain, or quoted without escapes, on
        one line); otherwise the whole scalar is the best that can be said.
        """
        file, line, column, end_line, end_column = self
        if line != end_line:
            return self
        quotes = end_column - column - len(text)
        if quotes == 2:
            column += 1
        elif quotes != 0:
            return self
        return Span(file, line, column + start, line, column + max(stop, start + 1))

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self[0], self[1], self[2], other[3], other[4])

    def __getnewargs__(self) -> tuple[str, int, int, int, int]:
        return (self[0], self[1], self[2], self[3], self[4])

    def __str__(self) -> str:
        return f"{self[0]}:{self[1]}:{self[2]}"

    def __repr__(self) -> str:
        return f"Span({self[0]!r}, {self[1]}, {self[2]}, {self[3]}, {self[4]})"


class Source:
    """One file's text, with its lines on demand.

    Args:
        path: the path as the user gave it; messages show it.
        text: the whole text, without a byte order mark.
    """

    __slots__ = ("_lines", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """The text of line `number` (from 1) without its line break; empty beyond the end."""
        if self._lines is None:
            self._lines = split_lines(self.text)
        if 1 <= number <= len(self._lines):
            return self._lines[number - 1]
        return ""


class SourceError(Exception):
    """A file that cannot be read at all: the call is at fault, not the spec (exit status 2)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot read {path}: {reason}")
        self.path = path
        self.reason = reason


def split_lines(text: str) -> list[str]:
    """Splits where YAML's reader breaks lines, so that both agree on line numbers."""
    text = text.replace("\r\n", "\n")
    for mark in _LINE_BREAKS:
        if mark in text:
            text = text.replace(mark, "\n")
    return text.split("\n")


def read_source(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Source:
    """Reads one spec.

    Args:
        path: the file; messages show it as given.
        limits: `file_bytes` bounds the size.

    Raises:
        SourceError: the file is missing, not a regular file, not readable or too large.
        SpecError: the file is not UTF-8 (diagnostic E0101, which names line and byte).
    """
    name = os.fspath(path)
    data = _read_bytes(name, limits.file_bytes)
    try:
        return Source(name, data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _not_utf8(name, data, error.start) from None


def _read_bytes(name: str, most: int) -> bytes:
    """The bytes of a regular file of at most `most` bytes; a pipe or device is never opened."""
    try:
        mode = os.stat(name).st_mode
        if stat.S_ISDIR(mode):
            raise SourceError(name, "it is a folder")
        if not stat.S_ISREG(mode):
            raise SourceError(name, "it is not a regular file")
        with open(name, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise SourceError(name, (error.strerror or str(error)).lower()) from None
    except ValueError:
        raise SourceError(name, "the path holds a NUL character") from None
    if len(data) > most:
        raise SourceError(name, f"it is larger than {most} bytes (see --limit file_bytes)")
    return data


def _not_utf8(name: str, data: bytes, offset: int) -> Exception:
    """The error for a byte that is no UTF-8, at its line and column."""
    from dslc.diagnostics import Diagnostic, SpecError

    before = data[:offset].decode("utf-8").removeprefix("\ufeff")
    lines = split_lines(before)
    line, column = len(lines), len(lines[-1]) + 1
    message = f"the file is not UTF-8: byte 0x{data[offset]:02x} at offset {offset}"
    span = Span(name, line, column, line, column + 1)
    help = "save the file as UTF-8"
    return SpecError([Diagnostic("E0101", "error", message, span, help=help)])
