"""Which characters keys and names may hold.

Two names that look the same and are not are a trap for readers and reviewers. So keys and names are
printable ASCII; a message names the character that is not, since it may not be visible.
"""

from __future__ import annotations


def odd_character(text: str) -> int | None:
    """The offset of the first character that no key or name may hold, or None."""
    if text.isascii() and text.isprintable():
        return None
    for offset, character in enumerate(text):
        if not " " <= character <= "~":
            return offset
    return None


def describe_character(character: str) -> str:
    """A character's code point and Unicode name, as `U+200B ZERO WIDTH SPACE`."""
    from unicodedata import name

    point = f"U+{ord(character):04X}"
    if character < " " or "\x7f" <= character <= "\x9f":
        return f"{point}, a control character"
    if "\ud800" <= character <= "\udfff":
        return f"{point}, half of a surrogate pair"
    return f"{point} {name(character, '(no name)')}"


def yaml_refuses(character: str) -> bool:
    """Whether a character may not stand in YAML text at all, quoted or not."""
    if " " <= character <= "~" or character in "\t\n\r\x85":
        return False
    return character < "\xa0" or "\ud800" <= character <= "\udfff" or character in "\ufffe\uffff"
