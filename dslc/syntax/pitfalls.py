"""What YAML reads otherwise than its writer meant.

`{k: min(a, b)}` is YAML: a mapping with the keys `k` and `b)`. So is `{b:1}`, with one key and no
value. Each gets a word of its own here, since the follow-up errors would explain nothing. Checks
that few files need are switched on by one look at the whole text.
"""

from __future__ import annotations

import re

from dslc.diagnostics import Edit, Report, quote
from dslc.source import Source, Span
from dslc.syntax.characters import describe_character, odd_character
from dslc.syntax.tree import Node, Scalar, Sequence, looks_like_number, parse_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_QUOTES_HELP = "in `{…}` and `[…]`, text that holds `[ ] { } ,` is quoted"
_COMMENT = re.compile(r"[ \t]#[^\s#!]")
_LARGE_NUMBER = re.compile(r"[0-9a-fA-F]{17}|[eE][-+]?[0-9]{3}")


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


def check_flow_entries(entries: list[tuple[Any, Any]], report: Report) -> list[tuple[Any, Any]]:
    """The entries of a `{…}` that can be kept; those that came of a pitfall are reported."""
    if all(key.__class__ is Scalar and "(" not in key.text for key, _ in entries) and all(
        value.__class__ is not Scalar or (value.text and "(" not in value.text)
        for _, value in entries
    ):
        return entries
    kept: list[tuple[Any, Any]] = []
    torn: Scalar | None = None
    for key, value in entries:
        if torn is not None and _is_tail(key, value):
            _report_torn(torn, key, report)
            kept.pop()
            torn = None
            continue
        if _is_glued(key, value):
            _report_glued(key, report)
            continue
        kept.append((key, value))
        torn = value if _is_open(value) else None
    return kept


def check_flow_items(items: list[Any], report: Report) -> None:
    """Reports text that a comma tore apart inside a `[…]`."""
    torn: Scalar | None = None
    for item in items:
        if torn is not None and isinstance(item, Scalar) and _balance(item) < 0:
            _report_torn(torn, item, report)
            torn = None
        elif torn is None and _is_open(item):
            torn = item


def check_text(root: Node, source: Source, unused: Iterable[Node], report: Report) -> None:
    """Reports numbers out of range, values lost to ` #`, and anchors that nothing repeats."""
    for node in unused:
        _report_unused_anchor(node, report)
    text = source.text
    numbers = _LARGE_NUMBER.search(text) is not None
    comments = " #" in text and _COMMENT.search(text) is not None
    if not numbers and not comments:
        return
    for scalar in scalars(root):
        if scalar.plain and numbers and scalar.text and looks_like_number(scalar.text):
            _check_range(scalar, report)
        if scalar.plain and comments:
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


def _check_range(scalar: Scalar, report: Report) -> None:
    """Reports a number that has no place in 64 bits."""
    if parse_number(scalar.text) is None:
        message = f"the number {quote(scalar.text, 40)} is out of range"
        help = "integers lie within 64 bits, floats within double precision; quote it if it is text"
        report.error("E0117", scalar.span, message, help=help)


def _check_comment(scalar: Scalar, source: Source, report: Report) -> None:
    """Warns where a value ends because ` #` begins a comment that does not look like one."""
    span = scalar.span
    line = source.line(span.end_line)
    start = span.end_column - 1
    if not scalar.text or not _COMMENT.match(line, start):
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


def _is_open(node: Node) -> bool:
    """Whether a parenthesis is still open at the end of a plain scalar."""
    return _balance(node) > 0


def _is_missing(node: Node) -> bool:
    """Whether a value is not there at all."""
    return isinstance(node, Scalar) and node.plain and not node.text


def _is_tail(key: Node, value: Node) -> bool:
    """Whether an entry is what follows the comma of a torn text."""
    return isinstance(key, Scalar) and key.plain and _is_missing(value)


def _is_glued(key: Node, value: Node) -> bool:
    """Whether a key has swallowed its value, as in `{b:1}`."""
    return _is_missing(value) and isinstance(key, Scalar) and key.plain and ":" in key.text


def _report_torn(head: Scalar, tail: Scalar, report: Report) -> None:
    """Reports text that a comma tore in two."""
    span = head.span.to(tail.span)
    text = f"{head.text}, {tail.text}"
    message = f"{quote(text, 60)} is torn apart at its comma"
    report.error("E0113", span, message, help=_QUOTES_HELP)


def _report_glued(key: Scalar, report: Report) -> None:
    """Reports a key that has no space after its colon."""
    word, _, rest = key.text.partition(":")
    message = f"{quote(key.text, 40)} is one key without a value"
    fix = [Edit(key.span, f"{word}: {rest}")]
    help = f"put a space after the colon: {quote(f'{word}: {rest}', 40)}"
    report.error("E0114", key.span, message, help=help, fix=fix)
