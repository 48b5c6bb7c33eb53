"""Says what is wrong where YAML itself cannot go on.

libyaml's own words ("did not find expected key") name its state, not the mistake. The text around
the position usually shows which of a few mistakes it was.
"""

from __future__ import annotations

from yaml.error import MarkedYAMLError

from dslc.diagnostics import Diagnostic, Edit, Label, Report, quote
from dslc.source import Source, Span, split_lines
from dslc.syntax.characters import describe_character, yaml_refuses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml.error import Mark

_QUOTES_HELP = "in `{…}` and `[…]`, text that holds `[ ] { } ,` is quoted"


def report_yaml_error(error: Exception, source: Source, report: Report) -> None:
    """Reports the one mistake at which YAML gave up."""
    if isinstance(error, MarkedYAMLError):
        report.add(_Failure(error, source).diagnose())
    else:
        report.add(_refused_character(source))


class _Failure:
    """Where and how reading failed."""

    def __init__(self, error: MarkedYAMLError, source: Source) -> None:
        mark: Mark | None = error.problem_mark or error.context_mark
        self.source = source
        self.problem = error.problem or error.context or "not well-formed"
        self.context = error.context or ""
        self.opened: Mark | None = error.context_mark
        self.line = mark.line + 1 if mark else 1
        self.column = mark.column + 1 if mark else 1

    def diagnose(self) -> Diagnostic:
        """The diagnostic of the mistake that this failure most likely is."""
        if "directive" in self.context:
            return _directive(self)
        for words, explain in _EXPLANATIONS:
            if words in self.problem:
                found = explain(self)
                if found is not None:
                    return found
        return self.error("E0102", f"this is not YAML: {self.problem}", None)

    def error(
        self,
        code: str,
        message: str,
        help: str | None,
        span: Span | None = None,
        labels: tuple[Label, ...] = (),
        fix: tuple[Edit, ...] = (),
    ) -> Diagnostic:
        """A diagnostic, at the failure's own position unless told otherwise."""
        place = span or self.span(self.line, self.column)
        return Diagnostic(code, "error", message, place, help, labels, (), fix)

    def span(self, line: int, column: int, length: int = 1) -> Span:
        """A stretch of one line."""
        return Span(self.source.path, line, column, line, column + length)

    @property
    def character(self) -> str:
        """The character at which reading failed, or nothing at a line's end."""
        return self.source.line(self.line)[self.column - 1 : self.column]

    def previous_line(self) -> int:
        """The number of the line before that holds more than a comment, or 0."""
        number = self.line - 1
        while number > 0 and self.source.line(number).strip()[:1] in ("", "#"):
            number -= 1
        return number


def _refused_character(source: Source) -> Diagnostic:
    """The diagnostic of a character that YAML does not let in."""
    text = source.text
    offset = next((i for i, character in enumerate(text) if yaml_refuses(character)), 0)
    lines = split_lines(text[:offset])
    line, column = len(lines), len(lines[-1]) + 1
    span = Span(source.path, line, column, line, column + 1)
    message = f"the file holds {describe_character(text[offset])}"
    return Diagnostic("E0116", "error", message, span, "remove it")


def _special_character(failure: _Failure) -> Diagnostic | None:
    """A character that cannot begin a value."""
    character = failure.character
    if character == "\t":
        return _tab(failure)
    if character in ("@", "`", "%"):
        named = "a backquote" if character == "`" else f"`{character}`"
        message = f"text that begins with {named} needs quotes"
        return failure.error("E0115", message, "quote the text")
    return None


def _tab(failure: _Failure) -> Diagnostic:
    """A tab where only spaces can stand."""
    line = failure.source.line(failure.line)
    column = line.find("\t") + 1 or failure.column
    span = failure.span(failure.line, column)
    help = "replace the tab by spaces"
    return failure.error("E0104", "a tab cannot indent", help, span, (), (Edit(span, "  "),))


def _nameless_mark(failure: _Failure) -> Diagnostic | None:
    """A leading `*` or `&` that is no alias and no anchor."""
    opened = failure.opened
    if opened is None:
        return None
    character = failure.source.line(opened.line + 1)[opened.column : opened.column + 1]
    if character not in ("*", "&"):
        return None
    what = "an alias" if character == "*" else "an anchor"
    message = f"text that begins with `{character}` is read as {what}"
    span = failure.span(opened.line + 1, opened.column + 1)
    return failure.error("E0115", message, "quote the text", span)


def _directive(failure: _Failure) -> Diagnostic:
    """A line that begins with `%`."""
    span = failure.span(failure.line, 1)
    return failure.error("E0115", "text that begins with `%` needs quotes", "quote the text", span)


def _misplaced_colon(failure: _Failure) -> Diagnostic | None:
    """A key and colon where the line before, or this one, has not ended its value."""
    return (
        _step_without_colon(failure)
        or _glued_above(failure)
        or _deeper_than_value(failure)
        or _colon_missing_above(failure)
        or failure.error(
            "E0102",
            "a second key and colon on one line",
            "quote the text if the colon belongs to it, or write the mapping over several lines",
        )
    )


def _step_without_colon(failure: _Failure) -> Diagnostic | None:
    """`- relu` with keys below it."""
    number = failure.previous_line()
    above = failure.source.line(number)
    stripped = above.split(" #")[0].rstrip()
    dash = len(stripped) - len(stripped.lstrip())
    word = stripped[dash:].removeprefix("- ").strip()
    here = failure.source.line(failure.line)
    deeper = len(here) - len(here.lstrip(" ")) > dash
    if not stripped[dash:].startswith("- ") or not deeper or not _is_word(word):
        return None
    column = stripped.rindex(word) + 1
    span = failure.span(number, column, len(word))
    end = failure.span(number, column + len(word), 0)
    message = f"the step {quote(word, 40)} has keys below it and needs a colon"
    label = Label(
        failure.span(failure.line, len(here) - len(here.lstrip(" ")) + 1), "a key below it"
    )
    help = f"write {quote(f'- {word}:', 40)}"
    return failure.error("E0103", message, help, span, (label,), (Edit(end, ":"),))


def _glued_above(failure: _Failure) -> Diagnostic | None:
    """`out:64` on the line before."""
    for number in (failure.previous_line(), failure.line):
        line = failure.source.line(number)
        text = line.strip().removeprefix("- ").strip()
        word, colon, rest = text.partition(":")
        if colon and rest and rest[0] not in " \t" and _is_word(word):
            span = failure.span(number, line.index(text) + 1, len(word) + 1)
            help = f"put a space after the colon: {quote(f'{word}: {rest}', 40)}"
            message = f"{quote(text, 40)} is one word: its colon has no space after it"
            edit = Edit(failure.span(number, line.index(text) + len(word) + 2, 0), " ")
            return failure.error("E0114", message, help, span, (), (edit,))
    return None


def _deeper_than_value(failure: _Failure) -> Diagnostic | None:
    """A key below a finished value, indented deeper than it."""
    number = failure.previous_line()
    above, here = failure.source.line(number), failure.source.line(failure.line)
    depth = len(here) - len(here.lstrip(" "))
    if not number or depth <= len(above) - len(above.lstrip(" ")):
        return None
    span = failure.span(failure.line, depth + 1, max(1, failure.column - depth))
    message = f"this key stands deeper than line {number}, which has a value of its own"
    help = "give both lines the same indentation"
    return failure.error("E0102", message, help, span)


def _colon_missing_above(failure: _Failure) -> Diagnostic | None:
    """A line without a colon just above, of which this line seems to be a part."""
    number = failure.previous_line()
    text = failure.source.line(number).split(" #")[0].rstrip()
    if not number or ":" in text or ":" in failure.source.line(failure.line)[: failure.column - 1]:
        return None
    indent = len(text) - len(text.lstrip())
    span = failure.span(number, indent + 1, len(text) - indent)
    if (glued := _glued_dash(failure, text.strip(), span)) is not None:
        return glued
    message = f"{quote(text.strip(), 40)} is no `key: value`: a colon is missing"
    return failure.error("E0102", message, "write `key: value`, with a space after the colon", span)


def _unclosed_bracket(failure: _Failure) -> Diagnostic | None:
    """A `{` or `[` that does not end, or text in it that needs quotes."""
    opened = failure.opened
    if opened is None or "flow" not in failure.context:
        return None
    bracket = failure.source.line(opened.line + 1)[opened.column : opened.column + 1]
    closing = {"{": "}", "[": "]"}.get(bracket, "")
    place = failure.span(opened.line + 1, opened.column + 1)
    character = failure.character
    if character in ("[", "{", "'", '"') or (closing and character in "]}" and character):
        message = f"{quote(character)} cannot stand here inside `{bracket}…{closing}`"
        label = Label(place, "opened here")
        return failure.error("E0113", message, _QUOTES_HELP, labels=(label,))
    message = f"`{bracket}` is not closed before line {failure.line}"
    return failure.error("E0102", message, f"close it with `{closing}`", place)


def _glued_dash(failure: _Failure, text: str, span: Span) -> Diagnostic | None:
    """An item of a list whose dash has no space behind it."""
    if len(text) < 2 or text[0] != "-" or not text[1].isalpha():
        return None
    fixed = f"- {text[1:]}"
    message = f"{quote(text, 40)} has no space behind its dash"
    fix = (Edit(span, fixed),)
    return failure.error("E0102", message, f"write {quote(fixed, 40)}", span, fix=fix)


def _missing_colon(failure: _Failure) -> Diagnostic | None:
    """A line among `key: value` lines that has no colon."""
    opened = failure.opened
    if opened is None:
        return None
    number = opened.line + 1
    text = failure.source.line(number)[opened.column :].split(" #")[0].rstrip()
    span = failure.span(number, opened.column + 1, max(1, len(text)))
    if (glued := _glued_dash(failure, text, span)) is not None:
        return glued
    message = f"{quote(text, 40)} is no `key: value`: a colon is missing, or a quote does not end"
    help = "write `key: value` with a space after the colon, or indent the line as part of the text"
    return failure.error("E0102", message, help, span)


def _missing_value(failure: _Failure) -> Diagnostic | None:
    """A `,` or a closing bracket where a value should be."""
    if not failure.character:
        message = "the text stops where a value should be"
        return failure.error("E0102", message, "close what is open, or write the value")
    message = f"a value is missing before {quote(failure.character)}"
    return failure.error("E0102", message, "write the value, or remove the comma; quote text")


def _unclosed_quote(failure: _Failure) -> Diagnostic | None:
    """A quoted text that does not end."""
    opened = failure.opened
    if opened is None:
        return None
    span = failure.span(opened.line + 1, opened.column + 1)
    return failure.error("E0102", "this quote is never closed", "close it on the same line", span)


def _bad_escape(failure: _Failure) -> Diagnostic:
    """A backslash in double quotes that begins no escape."""
    help = "write `\\\\` for a backslash, or use single quotes"
    return failure.error("E0102", "there is no such escape in double quotes", help)


def _misplaced_dash(failure: _Failure) -> Diagnostic:
    """A list that begins on the line of its key."""
    help = "begin the list on the next line, or write `[…]`; quote text that begins with `- `"
    return failure.error("E0102", "a list cannot begin here", help)


def _wrong_level(failure: _Failure) -> Diagnostic:
    """A line whose indentation fits nothing above it."""
    stepless = _step_without_colon(failure)
    if stepless is not None:
        return stepless
    line = failure.source.line(failure.line)
    before = line[: failure.column - 1].rstrip()
    if before.strip() and before[-1] in "'\"]}":
        help = "quote the whole text, or remove what follows"
        return failure.error("E0102", f"nothing may follow `{before[-1]}` here", help)
    if "*" in before:
        help = "quote the text, if it is not meant as an alias"
        return failure.error("E0115", "text that begins with `*` is read as an alias", help)
    number = failure.previous_line()
    compared = f" (line {number} is the one before)" if number else ""
    message = f"this line fits no level of indentation above it{compared}"
    help = "keys of one mapping, and dashes of one list, begin in the same column"
    return failure.error("E0102", message, help)


def _is_word(text: str) -> bool:
    """Whether `text` is a name as a step or key has it."""
    return text.replace(".", "_").replace("$", "_").replace("-", "_").isidentifier()


_EXPLANATIONS: tuple[tuple[str, Callable[[_Failure], Diagnostic | None]], ...] = (
    ("cannot start any token", _special_character),
    ("found a tab character", _tab),
    ("alphabetic or numeric character", _nameless_mark),
    ("directive", _directive),
    ("mapping values are not allowed", _misplaced_colon),
    ("expected ',' or", _unclosed_bracket),
    ("could not find expected ':'", _missing_colon),
    ("did not find expected node content", _missing_value),
    ("unexpected end of stream", _unclosed_quote),
    ("unknown escape character", _bad_escape),
    ("block sequence entries are not allowed", _misplaced_dash),
    ("did not find expected '-' indicator", _wrong_level),
    ("did not find expected key", _wrong_level),
    ("did not find expected <document start>", _wrong_level),
)
