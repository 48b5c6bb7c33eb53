"""Splits an expression into tokens, each with its offsets in the text."""

from __future__ import annotations

from dslc.source import Span
from dslc.syntax.characters import describe_character
from dslc.syntax.expression_nodes import ExpressionError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    Kind = Literal["number", "name", "path", "string", "operator", "end"]
    Token = tuple[Kind, str, int, int]
    """Kind, text (a string's is its contents), start and stop."""
    More = Callable[[str, int], Token | None]

LONGEST = 2000
"""The most characters of one expression."""

_TWO = frozenset(("//", "**", "==", "!=", "<=", ">="))
_THREE = "..."
_ONE = frozenset("+-*/%<>()[],:")
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t", "r": "\r"}
_HEX = {"x": 2, "u": 4, "U": 8}
_WORDS_FOR = {
    "&": "`and` is the word for both",
    "|": "`or` is the word for either",
    "!": "`not` is the word for the opposite",
    "=": "`==` compares",
    "^": "`**` is the power",
    "$": "in an expression a param is written without `$`",
    "{": "an expression has no braces",
    "}": "an expression has no braces",
}


def tokenize(text: str, span: Span, more: More | None = None) -> list[Token]:
    """The tokens of `text`, an `end` token last.

    Args:
        text: what the scalar holds.
        span: where it stands.
        more: gives the token at an offset where it is one that not every expression may have.

    Raises:
        ExpressionError: E0201, E0208 or E0212.
    """
    if len(text) > LONGEST:
        message = f"the expression is longer than {LONGEST} characters"
        raise ExpressionError("E0208", message, span, "build it up from params")
    tokens: list[Token] = []
    position, end = 0, len(text)
    while position < end:
        character = text[position]
        if character in " \t\n":
            position += 1
            continue
        token = more(text, position) if more else None
        token = token or _next_token(text, position, character, span)
        tokens.append(token)
        position = token[3]
    tokens.append(("end", "", end, end))
    return tokens


def _next_token(text: str, start: int, character: str, span: Span) -> Token:
    """The token that begins at `start`."""
    if character.isascii() and (character.isalpha() or character == "_"):
        return _word(text, start)
    if "0" <= character <= "9" or (character == "." and _is_digit(text[start + 1 : start + 2])):
        return _number(text, start)
    if character in "'\"":
        return _string(text, start, span)
    if text.startswith(_THREE, start):
        return ("operator", _THREE, start, start + 3)
    if text[start : start + 2] in _TWO:
        return ("operator", text[start : start + 2], start, start + 2)
    if character in _ONE:
        return ("operator", character, start, start + 1)
    if character.isascii() and character.isprintable():
        named = f"`{character}`"
    else:
        named = describe_character(character)
    part = span.part(text, start, start + 1)
    message = f"{named} has no meaning in an expression"
    raise ExpressionError("E0201", message, part, _WORDS_FOR.get(character))


def _word(text: str, start: int) -> Token:
    """A name or a word operator; a param of an imported spec is a name with a dot."""
    stop = _word_end(text, start)
    while text[stop : stop + 1] == "." and _begins_word(text[stop + 1 : stop + 2]):
        stop = _word_end(text, stop + 1)
    return ("name", text[start:stop], start, stop)


def _word_end(text: str, start: int) -> int:
    """Where the word that begins at `start` ends."""
    stop = start + 1
    while stop < len(text) and text[stop].isascii() and (text[stop].isalnum() or text[stop] == "_"):
        stop += 1
    return stop


def _number(text: str, start: int) -> Token:
    """A number with whatever letters are glued to it, which the parser then refuses by name."""
    stop = start
    while stop < len(text):
        character = text[stop]
        if (character in "+-" and text[stop - 1] in "eE" and not text.startswith("0x", start)) or (
            character.isascii() and (character.isalnum() or character in "._")
        ):
            stop += 1
        else:
            break
    return ("number", text[start:stop], start, stop)


def _string(text: str, start: int, span: Span) -> Token:
    """A quoted string; backslashes escape as in Python."""
    mark = text[start]
    parts: list[str] = []
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == mark:
            return ("string", "".join(parts), start, position + 1)
        if character == "\\":
            character, position = _escape(text, position, span)
        else:
            position += 1
        parts.append(character)
    part = span.part(text, start, len(text))
    raise ExpressionError("E0201", "this quote is never closed", part, f"close it with {mark}")


def _escape(text: str, start: int, span: Span) -> tuple[str, int]:
    """The character that an escape stands for, and where the text goes on."""
    letter = text[start + 1 : start + 2]
    if letter in _ESCAPES:
        return _ESCAPES[letter], start + 2
    width = _HEX.get(letter, 0)
    digits = text[start + 2 : start + 2 + width]
    if (
        width
        and len(digits) == width
        and all(digit in "0123456789abcdefABCDEF" for digit in digits)
    ):
        code = int(digits, 16)
        if code < 0x110000:
            return chr(code), start + 2 + width
    part = span.part(text, start, start + 2)
    help = "write `\\\\` for a backslash"
    raise ExpressionError("E0201", "there is no such escape in a string", part, help)


def _begins_word(text: str) -> bool:
    """Whether `text` is one character that a word may begin with."""
    return text.isascii() and text.isidentifier()


def _is_digit(text: str) -> bool:
    """Whether `text` is one decimal digit."""
    return bool(text) and "0" <= text <= "9"
