"""Text from a spec, made safe to show: escaped and cut.

What a spec holds may move a terminal's cursor or turn a line's direction around. Nothing of it
reaches a message but through here.
"""

from __future__ import annotations

QUOTED_MOST = 500
"""The most characters of input that one piece of a message shows."""

_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def escape(text: str) -> str:
    """`text` with every character that does not print as itself written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else _escaped(character) for character in text
    )


def quote(text: str, most: int = 80) -> str:
    """`text` escaped, cut to `most` characters and set in backquotes, for use in a message."""
    if len(text) > most:
        text = text[: most - 1] + "…"
    return f"`{escape(text)}`"


def cut(text: str, most: int = QUOTED_MOST) -> str:
    """`text` escaped and cut, with an ellipsis where something is missing."""
    shown = escape(text[: most + 1])
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _escaped(character: str) -> str:
    """One unprintable character as Python would write it in a string."""
    short = _SHORT.get(character)
    if short is not None:
        return short
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
