"""The tree that a spec's YAML is read into: scalars, sequences and mappings, each with its span.

A large spec makes tens of thousands of nodes, so they are plain slotted classes, and a span is made
from the reader's marks only when someone asks for it, which is when a message is written. What a
plain scalar means follows the YAML 1.2 core schema; the slot that takes it may read it otherwise,
so its text stays at hand.
"""

from __future__ import annotations

from dslc.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    Place = Span | tuple[str, int, int, int, int]
    """A span, or its five numbers counted from 0 as the reader has them."""
    CoreValue = int | float | bool | str | None

_WORDS: dict[str, CoreValue] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER_STARTS = frozenset("0123456789+-.")
_INTEGER_END = 1 << 63


class _Node:
    """What all nodes share: a place in the file."""

    __slots__ = ("_place",)

    _place: Place

    @property
    def span(self) -> Span:
        """Where the node stands."""
        place = self._place
        if isinstance(place, Span):
            return place
        file, line, column, end_line, end_column = place
        span = Span(file, line + 1, column + 1, end_line + 1, end_column + 1)
        self._place = span
        return span


class Scalar(_Node):
    """A single value or key.

    Args:
        text: the text, unquoted and unescaped.
        style: `plain`, or the quote, `|` or `>` that it begins with.
        span: where it stands.
    """

    __slots__ = ("style", "text")

    def __init__(self, text: str, style: str, span: Place) -> None:
        self.text = text
        self.style = style
        self._place = span

    @property
    def plain(self) -> bool:
        """Whether it is written without quotes, so that its text may be more than a string."""
        return self.style == "plain"

    @property
    def value(self) -> CoreValue:
        """The value by YAML 1.2's core schema; a number out of range stays text."""
        return resolve(self.text) if self.style == "plain" else self.text

    def __repr__(self) -> str:
        return f"Scalar({self.text!r}, {self.style!r})"


class Sequence(_Node):
    """A list of nodes."""

    __slots__ = ("items",)

    def __init__(self, items: list[Node], span: Place) -> None:
        self.items = items
        self._place = span

    def __repr__(self) -> str:
        return f"Sequence({self.items!r})"


class Mapping(_Node):
    """Keys and their nodes, in the order of the file; each key once."""

    __slots__ = ("_index", "entries")

    def __init__(
        self,
        entries: list[tuple[Scalar, Node]],
        span: Place,
        index: dict[str, Node] | None = None,
    ) -> None:
        self.entries = entries
        self._place = span
        self._index = index

    def get(self, key: str) -> Node | None:
        """The node under a key, or None."""
        if self._index is None:
            self._index = {known.text: node for known, node in self.entries}
        return self._index.get(key)

    def key(self, key: str) -> Scalar | None:
        """The key itself as it stands in the file, or None."""
        return next((known for known, _ in self.entries if known.text == key), None)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __repr__(self) -> str:
        return f"Mapping({self.entries!r})"


Node = Scalar | Sequence | Mapping


def resolve(text: str) -> CoreValue:
    """A plain scalar's value by YAML 1.2's core schema.

    `no`, `on`, `12:30` and `1_000` are strings, `1e-3` a float, `017` seventeen. Integers beyond 64
    bits and floats beyond double precision stay text; the reader reports them.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    number = parse_number(text)
    return text if number is None else number


def parse_number(text: str) -> int | float | None:
    """The number that `text` is by the core schema, or None if it is none or out of range."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not text.isascii():
        return None
    if digits.isdigit():
        significant = digits.lstrip("0")
        if len(significant) > 19:
            return None
        value = int(significant or "0")
        value = -value if text[0] == "-" else value
        return value if -_INTEGER_END <= value < _INTEGER_END else None
    base = {"0x": 16, "0o": 8}.get(text[:2])
    if base is not None:
        return _parse_based(text[2:], base)
    return _parse_float(text, digits)


def looks_like_number(text: str) -> bool:
    """Whether `text` has the form of a number, in range or not."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not text.isascii() or not digits:
        return False
    based = {"0x": "0123456789abcdefABCDEF", "0o": "01234567"}.get(text[:2])
    if based is not None:
        return len(text) > 2 and not text[2:].strip(based)
    return digits.isdigit() or _is_float(digits)


def _parse_based(digits: str, base: int) -> int | None:
    """A hexadecimal or octal integer, or None."""
    known = "0123456789abcdefABCDEF" if base == 16 else "01234567"
    if not digits or len(digits) > 22 or digits.strip(known):
        return None
    value = int(digits, base)
    return value if value < _INTEGER_END else None


def _parse_float(text: str, digits: str) -> float | None:
    """A decimal float, or None."""
    if not _is_float(digits):
        return None
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else value


def _is_float(digits: str) -> bool:
    """Whether unsigned `digits` are `1.`, `.5`, `1.5` or `1`, each with an exponent or none."""
    mantissa, _, exponent = digits.replace("E", "e").partition("e")
    if "e" in digits.lower():
        exponent = exponent[1:] if exponent[:1] in ("+", "-") else exponent
        if not exponent.isdigit():
            return False
    whole, _, fraction = mantissa.partition(".")
    return (whole + fraction).isdigit() and not (mantissa.startswith(".") and not fraction)
