"""Text in generated source: numbers, strings, docstrings and comments that can do no harm.

Strings are literals made here, never pasted. Comments and docstrings keep letters of every script,
but nothing that ends a line, hides or reorders text, names an encoding, or steers a tool.
"""

import unicodedata

from dslc.emit.print_layout import WIDTH, text_width

# Comments that tools obey; in prose they must stay prose.
_PRAGMAS = (
    "black|coding|fileencoding|flake8|fmt|isort|mypy|pylint|pyright|pyre|pytype|ruff|type|yapf"
)


def number(value: int | float | complex) -> str:
    """A number as a person writes it: `1e-5`, not `1e-05`, and `1e9`, not `1000000000.0`."""
    if isinstance(value, float) and value >= 1e6 and float(f"{value:.0e}") == value:
        digit, exponent = f"{value:.0e}".split("e+")
        return f"{digit}e{exponent.lstrip('0')}"
    text = repr(value).strip("()").replace("inf", "1e309")
    if "e" not in text or isinstance(value, complex):
        return text
    digits, exponent = text.split("e")
    sign = "-" if exponent.startswith("-") else ""
    return f"{digits}e{sign}{exponent.lstrip('+-').lstrip('0')}"


def string(value: str | bytes, quote: str | None = None) -> str:
    """A string or bytes literal in the formatter's quotes.

    Args:
        value: The string.
        quote: The quote that must be used, inside an f-string; else the one with fewer escapes.
    """
    if isinstance(value, bytes):
        text, prefix = value.decode("latin-1"), "b"
        body = "".join(_escape_byte(character) for character in text)
    else:
        text, prefix = value, ""
        body = "".join(_escape(character) for character in text)
    if quote is None:
        quote = "'" if text.count('"') > text.count("'") else '"'
    return prefix + quote + body.replace(quote, "\\" + quote) + quote


def fstring_text(value: str, quote: str) -> str:
    """The literal part of an f-string."""
    body = "".join(_escape(character) for character in value)
    return body.replace(quote, "\\" + quote).replace("{", "{{").replace("}", "}}")


_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if " " <= character <= "~" or (character > "\x7f" and is_plain(character)):
        return character
    return ascii(character)[1:-1]


def _escape_byte(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    return character if " " <= character <= "~" else f"\\x{ord(character):02x}"


def is_plain(character: str) -> bool:
    """Whether a character shows itself: a letter, mark, number, sign or the plain space."""
    return character == " " or unicodedata.category(character)[0] in "LNPS"


def plain(text: str) -> str:
    """Prose on one line: white space becomes a space, anything invisible its code point."""
    parts = [
        " " if character.isspace() else character if _is_prose(character) else _name(character)
        for character in text
    ]
    return " ".join("".join(parts).split())


def _is_prose(character: str) -> bool:
    return is_plain(character) or unicodedata.category(character) in ("Mn", "Mc")


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"


def comment_text(text: str) -> str:
    """A comment's text: one line of prose that no tool reads as a command."""
    import re

    safe = plain(text)
    safe = re.sub(rf"\b({_PRAGMAS})\b([:=])", r"\1 \2", safe, flags=re.IGNORECASE)
    return re.sub(r"\b(no)(qa|sec)\b", r"\1-\2", safe, flags=re.IGNORECASE)


def comment_lines(text: str, indent: int) -> list[str]:
    """A comment on lines of its own, wrapped to the width.

    Args:
        text: The comment; its line breaks are kept.
        indent: Columns of indentation.
    """
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        for line in _wrap(comment_text(paragraph), WIDTH - indent - 2) or [""]:
            lines.append(" " * indent + f"# {line}".rstrip())
    return lines


def docstring(text: str, indent: int) -> list[str]:
    """A docstring's lines as the formatter leaves them; none where the text is empty.

    Args:
        text: The text: a summary line, then perhaps more. Long lines are wrapped.
        indent: Columns of indentation.
    """
    lines = _doc_lines(text, WIDTH - indent)
    if len(lines) == 1 and text_width(lines[0]) > WIDTH - indent - 6:
        lines = _doc_lines(text, WIDTH - indent - 3)
    if not lines:
        return []
    margin = " " * indent
    if len(lines) == 1:
        return [f'{margin}"""{lines[0]}"""']
    body = [f'{margin}"""{lines[0]}', *(f"{margin}{line}".rstrip() for line in lines[1:])]
    return [*body, f'{margin}"""']


def _doc_lines(text: str, width: int) -> list[str]:
    """Safe lines, each within the width, without blank ones at the ends."""
    rows = text.expandtabs(4).splitlines()
    margin = min((_margin(row) for row in rows[1:] if row.strip()), default=0)
    lines: list[str] = []
    for position, row in enumerate(rows):
        depth = max(_margin(row) - margin, 0) if position else 0
        depth = min(depth, width // 2)
        room = width - depth - (3 if not lines else 0)
        wrapped = [_doc_escape(line) for line in _wrap(plain(row), room) or [""]]
        lines.extend((" " * depth + line).rstrip() for line in wrapped)
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    if lines and lines[0].startswith('"'):
        lines[0] = "\\" + lines[0]
    if lines and lines[-1].endswith('"') and not lines[-1].endswith('\\"'):
        lines[-1] = lines[-1][:-1] + '\\"'
    return lines


def _margin(row: str) -> int:
    return len(row) - len(row.lstrip(" "))


def _doc_escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most a width, broken at spaces; a word that is wider is broken inside."""
    lines: list[str] = []
    line, used = "", 0
    for word in _pieces(text, max(width, 20)):
        wide = text_width(word)
        if line and used + 1 + wide > max(width, 20):
            lines.append(line)
            line, used = word, wide
        else:
            line, used = (f"{line} {word}", used + 1 + wide) if line else (word, wide)
    return [*lines, line] if line else lines


def _pieces(text: str, width: int) -> list[str]:
    """The words of a text, the wide ones in pieces of at most a width."""
    pieces: list[str] = []
    for word in text.split():
        piece, used = "", 0
        for character in word if text_width(word) > width else ():
            wide = text_width(character)
            if used + wide > width:
                pieces.append(piece)
                piece, used = "", 0
            piece, used = piece + character, used + wide
        pieces.append(piece or word)
    return pieces
