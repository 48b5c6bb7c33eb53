"""What YAML reads otherwise than its writer meant.

`{k: min(a, b)}` is YAML: a mapping with the keys `k` and `b)`. So is `{b:1}`, with one key and no
value. Each gets a word of its own here, since the follow-up errors would explain nothing. Checks
that few files need are switched on by one look at the whole text.
"""

from __future__ import annotations

from dslc.diagnostics import Edit, Report, quote
from dslc.source import Source, Span
from dslc.syntax.characters import describe_character, odd_character
from dslc.syntax.tree import Node, Scalar, Sequence, looks_like_number, parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_QUOTES_HELP = "in `{…}` and `[…]`, text that holds `[ ] { } ,` is quoted"
_COMMENT_STARTS = ("", " ", "\t", "\n", "\r", "#", "!")


def check_name(scalar: Scalar, what: str, report: Report) -> bool:
    """Reports a character that no key or name may hold; whether there is none.

    Args:
        scalar: the key or name.
        what: how the message calls it, as `key` or `name`.
        report: takes the error.
    """
    text = scalar.text
    offset = odd_character(text)
    if offset is None:
        return True
    message = f"the {what} {quote(text, 40)} holds {describe_character(text[offset])}"
    span = scalar.span.part(text, offset, offset + 1)
    help = f"a {what} is written in plain ASCII letters, digits and `_`"
    report.error("E0112", span, message, help=help)
    return False


def mend_flow_entries(entries: list[tuple[Any, Any]], report: Report) -> list[tuple[Any, Any]]:
    """The entries of a `{…}` as they were meant; those that came of a pitfall are reported."""
    kept: list[tuple[Any, Any]] = []
    torn: list[Scalar] = []
    for key, value in entries:
        if torn and isinstance(key, Scalar) and key.plain and is_missing(value):
            torn.append(key)
            if sum(map(_balance, torn)) <= 0:
                kept.append((kept.pop()[0], _mended_torn(torn, report)))
                torn = []
            continue
        if is_missing(value) and isinstance(key, Scalar) and key.plain and ":" in key.text:
            kept.append(_mended_glued(key, report))
            continue
        kept.append((key, value))
        torn = [value] if _balance(value) > 0 else []
    return kept


def check_flow_items(items: list[Any], report: Report) -> None:
    """Reports text that a comma tore apart inside a `[…]`, and puts it together again."""
    torn: list[Scalar] = []
    kept: list[Any] = []
    for item in items:
        kept.append(item)
        if not torn and _balance(item) <= 0:
            continue
        if not isinstance(item, Scalar) or not item.plain:
            torn = []
            continue
        torn.append(item)
        if sum(map(_balance, torn)) <= 0:
            del kept[-len(torn) :]
            kept.append(_mended_torn(torn, report))
            torn = []
    items[:] = kept


def check_text(root: Node, source: Source, unused: Iterable[Node], report: Report) -> None:
    """Reports values lost to ` #` and anchors that nothing repeats."""
    for node in unused:
        _report_unused_anchor(node, report)
    if _has_tight_comment(source.text):
        for scalar in scalars(root):
            if scalar.plain and scalar.text:
                _check_comment(scalar, source, report)


def scalars(root: Node) -> Iterator[Scalar]:
    """Every scalar below a node once, keys too, however often aliases repeat it."""
    seen: set[int] = set()
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Scalar):
            yield node
        elif isinstance(node, Sequence):
            waiting.extend(reversed(node.items))
        else:
            for key, value in reversed(node.entries):
                waiting.extend((value, key))


def check_range(scalar: Scalar, report: Report) -> None:
    """Reports a plain number that has no place in 64 bits or double precision."""
    text = scalar.text
    if scalar.plain and looks_like_number(text) and parse_number(text) is None:
        message = f"the number {quote(text, 40)} is out of range"
        help = "integers lie within 64 bits, floats within double precision; quote it if it is text"
        report.error("E0117", scalar.span, message, help=help)


def _has_tight_comment(text: str) -> bool:
    """Whether a comment without a space after its `#` stands behind other text."""
    place = text.find(" #")
    while place >= 0:
        if text[place + 2 : place + 3] not in _COMMENT_STARTS:
            return True
        place = text.find(" #", place + 2)
    return False


def _check_comment(scalar: Scalar, source: Source, report: Report) -> None:
    """Warns where a value ends because ` #` begins a comment that does not look like one."""
    span = scalar.span
    line = source.line(span.end_line)
    start = span.end_column - 1
    if line[start : start + 2] != " #" or line[start + 2 : start + 3] in _COMMENT_STARTS:
        return
    message = f"{quote(line[start + 1 :].rstrip(), 40)} is read as a comment"
    place = Span(span.file, span.end_line, start + 2, span.end_line, len(line.rstrip()) + 1)
    help = "quote the whole text, or put a space after the `#` of a comment"
    report.warning("W0101", place, message, help=help)


def _report_unused_anchor(node: Node, report: Report) -> None:
    """A leading `&` with nothing after it is an error, one that nothing repeats a warning."""
    span = node.span
    if isinstance(node, Scalar) and node.plain and not node.text:
        message = "text that begins with `&` is an anchor, and here marks nothing"
        report.error("E0115", span, message, help="quote the text")
        return
    message = "no alias refers to this anchor"
    place = Span(span.file, span.line, span.column, span.line, span.column + 1)
    report.warning("W0102", place, message, help="text that begins with `&` is quoted")


def _balance(node: Node) -> int:
    """Opened minus closed parentheses of a plain scalar, 0 for anything else."""
    if not isinstance(node, Scalar) or not node.plain:
        return 0
    return node.text.count("(") - node.text.count(")")


def is_missing(node: Node) -> bool:
    """Whether a value is not there at all."""
    return isinstance(node, Scalar) and node.plain and not node.text


def _mended_torn(pieces: list[Scalar], report: Report) -> Scalar:
    """Reports text that commas tore apart; the whole of it."""
    span = pieces[0].span.to(pieces[-1].span)
    text = ", ".join(piece.text for piece in pieces)
    message = f"{quote(text, 60)} is torn apart at its comma"
    report.error("E0113", span, message, help=_QUOTES_HELP)
    return Scalar(text, "plain", span)


def _mended_glued(key: Scalar, report: Report) -> tuple[Scalar, Scalar]:
    """Reports a key that has no space after its colon; the key and the value that were meant."""
    word, _, rest = key.text.partition(":")
    message = f"{quote(key.text, 40)} is one key without a value"
    fix = [Edit(key.span, f"{word}: {rest}")]
    help = f"put a space after the colon: {quote(f'{word}: {rest}', 40)}"
    report.error("E0114", key.span, message, help=help, fix=fix)
    start = len(word) + 1
    value = Scalar(rest, "plain", key.span.part(key.text, start, len(key.text)))
    return Scalar(word, "plain", key.span.part(key.text, 0, len(word))), value
