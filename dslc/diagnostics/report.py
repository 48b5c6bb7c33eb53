"""Diagnostics as data, and the report that collects them.

Passes go on after an error, so that one run names every mistake of a file. Each mistake is reported
once: the same code at the same place is the same mistake, however many instances run into it.
"""

from __future__ import annotations

from dslc.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal

    Severity = Literal["error", "warning"]
else:
    Severity = str


REMEDY = "this holds with `where: "
"""How a help begins that offers facts."""


class Label:
    """A second place that explains the first: a span and what it shows.

    A label at the diagnostic's own span is printed beside its caret.
    """

    __slots__ = ("message", "span")

    def __init__(self, span: Span, message: str) -> None:
        self.span = span
        self.message = message

    def __repr__(self) -> str:
        return f"Label({self.span!r}, {self.message!r})"


class Edit:
    """A mechanical mend: the text that replaces what stands at a span."""

    __slots__ = ("span", "text")

    def __init__(self, span: Span, text: str) -> None:
        self.span = span
        self.text = text

    def __repr__(self) -> str:
        return f"Edit({self.span!r}, {self.text!r})"


def mend(span: Span, word: str, near: str | None, text: str | None = None) -> tuple[Edit, ...]:
    """The edit that puts the nearest known word in place of an unknown one.

    Args:
        span: the text that holds the word.
        word: the unknown word.
        near: the word that was meant; None where none is near.
        text: what stands at the span, by default the word alone.
    """
    if near is None:
        return ()
    return (Edit(span, near if text is None else text.replace(word, near, 1)),)


class Diagnostic:
    """One mistake.

    Args:
        code: its entry in the catalogue, as `E0304`.
        severity: `error` or `warning`.
        message: one terse sentence that stands alone.
        span: the offending text.
        help: what to write instead.
        labels: further places, each with its message.
        notes: further lines, as "in `Bottleneck` as called at net.yaml:48:9".
        fix: edits that mend it mechanically, or none.
    """

    __slots__ = ("code", "fix", "help", "labels", "message", "notes", "severity", "span")

    def __init__(
        self,
        code: str,
        severity: Severity,
        message: str,
        span: Span,
        help: str | None = None,
        labels: Sequence[Label] = (),
        notes: Sequence[str] = (),
        fix: Sequence[Edit] = (),
    ) -> None:
        self.code = code
        self.severity: Severity = severity
        self.message = message
        self.span = span
        self.help = help
        self.labels = tuple(labels)
        self.notes = tuple(notes)
        self.fix = tuple(fix)

    def __repr__(self) -> str:
        return f"Diagnostic({self.code!r}, {self.message!r}, {self.span!s})"


class SpecError(Exception):
    """The spec is at fault; `diagnostics` says where and why."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n".join(f"{item.span}: {item.code}: {item.message}" for item in self.diagnostics)


class Report:
    """The diagnostics found so far."""

    __slots__ = ("_found", "_in_steps", "_seen", "facts", "failed", "reads_steps")

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []
        self._seen: set[tuple[str, Span]] = set()
        self._in_steps: set[tuple[str, Span]] = set()
        self.reads_steps = False
        """Whether what is reported stands in a step."""
        self.failed = False
        """Whether an error was reported."""
        self.facts: tuple[str, ...] = ()
        """What the net asks of its inputs' sizes, as far as that could be found."""

    @property
    def ok(self) -> bool:
        """Whether no error was reported; warnings do not count."""
        return not self.failed

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything reported, by file and position."""
        return tuple(sorted(self._found, key=lambda item: (item.span, item.code)))

    def error(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        help: str | None = None,
        labels: Sequence[Label] = (),
        notes: Sequence[str] = (),
        fix: Sequence[Edit] = (),
    ) -> None:
        """Reports an error, once per code and span.

        Raises:
            KeyError: the code is not in the catalogue.
        """
        self.add(Diagnostic(code, "error", message, span, help, labels, notes, fix))

    def warning(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        help: str | None = None,
        labels: Sequence[Label] = (),
        notes: Sequence[str] = (),
        fix: Sequence[Edit] = (),
    ) -> None:
        """Reports a warning, once per code and span.

        Raises:
            KeyError: the code is not in the catalogue.
        """
        self.add(Diagnostic(code, "warning", message, span, help, labels, notes, fix))

    def add(self, diagnostic: Diagnostic) -> None:
        """Reports a diagnostic that exists already, as one from another report."""
        from dslc.diagnostics.catalogue import require

        require(diagnostic.code, diagnostic.severity)
        key = (diagnostic.code, diagnostic.span)
        if key in self._seen:
            return
        self._seen.add(key)
        self._found.append(diagnostic)
        if self.reads_steps:
            self._in_steps.add(key)
        if diagnostic.severity == "error":
            self.failed = True

    def is_in_step(self, diagnostic: Diagnostic) -> bool:
        """Whether a diagnostic was reported while steps were read."""
        return (diagnostic.code, diagnostic.span) in self._in_steps

    def advise(self, facts: str) -> None:
        """Tells the facts that mend the whole net where the first remedy falls short of them."""
        for item in self.diagnostics:
            if item.help is not None and item.help.startswith(REMEDY):
                if item.help != f"{REMEDY}[{facts}]`":
                    item.help = f"the whole net holds with `where: [{facts}]`"
                return

    def raise_if_failed(self) -> None:
        """Raises what was found, if it holds an error.

        Raises:
            SpecError: an error was reported.
        """
        if self.failed:
            raise SpecError(self.diagnostics)
