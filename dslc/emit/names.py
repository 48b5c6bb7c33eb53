"""Names for generated code: legal, free of collisions, and the same for the same spec.

A name from a spec becomes an identifier here and nowhere else. What comes out is ASCII, so two
names that look alike, or that Python would fold together by NFKC, cannot meet.
"""

import builtins
import keyword
import unicodedata
from collections.abc import Iterable

_TAKEN = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "cls"])


class Names:
    """Gives out names, each once; a child scope also avoids those of its parents."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        """Starts a scope.

        Args:
            reserved: Names that the generated module has already, such as its imports.
        """
        self._given: set[str] = set(reserved)
        self._parent: Names | None = None

    def fresh(self, wanted: str) -> str:
        """A new name, as close to the wanted one as possible.

        Args:
            wanted: Any text.

        Returns:
            `identifier(wanted)`, or with `_` behind it, or with `_2`, `_3` and so on: never a
            keyword, a soft keyword, a builtin, a reserved name or one given before.
        """
        base = identifier(wanted)
        for name in (base, f"{base}_"):
            if self.is_free(name):
                return self._give(name)
        number = 2
        while not self.is_free(f"{base}_{number}"):
            number += 1
        return self._give(f"{base}_{number}")

    def child(self) -> "Names":
        """A scope inside this one."""
        scope = Names()
        scope._parent = self
        return scope

    def is_free(self, name: str) -> bool:
        """Whether a name could be given as it is."""
        return name not in _TAKEN and not self._knows(name)

    def reserve(self, *names: str) -> None:
        """Marks names as given, such as those of an import that is added later."""
        self._given.update(names)

    def _knows(self, name: str) -> bool:
        scope: Names | None = self
        while scope is not None:
            if name in scope._given:
                return True
            scope = scope._parent
        return False

    def _give(self, name: str) -> str:
        self._given.add(name)
        return name


def identifier(text: str) -> str:
    """An ASCII identifier that resembles a text.

    Letters lose their accents; anything else becomes `_`, once for a run; a digit in front gets a
    `_` before it. No leading double underscore is left, because a class would mangle it. The
    result may be a keyword: `Names` sees to that.
    """
    folded = unicodedata.normalize("NFKD", text)
    parts = ["_"]
    for character in folded:
        if character.isascii() and (character.isalnum() or character == "_"):
            parts.append(character)
        elif not unicodedata.combining(character) and parts[-1] != "_":
            parts.append("_")
    body = "".join(parts[1:]).rstrip("_") if not text.endswith("_") else "".join(parts[1:])
    if body.startswith("__"):
        body = "_" + body.lstrip("_")
    if not body.strip("_"):
        return "name"
    return f"_{body}" if body[0].isdigit() else body


def class_name(text: str) -> str:
    """A name in CamelCase: `residual_block` and `residual block` become `ResidualBlock`.

    Capitals stay where they are: `ResNet50` and `GPT` do not change.
    """
    words = [word for word in identifier(text).split("_") if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    return f"_{name}" if name[0].isdigit() else name


def snake_name(text: str) -> str:
    """A name in snake_case, by the rule of Keras's own layer names.

    An underscore goes before a capital that starts a word (`Conv2D` is `conv2d`, `BatchNorm` is
    `batch_norm`, `ResNet50` is `res_net50`, `HTTPServer` is `http_server`): between a character
    and a capital that small letters follow, and between a small letter and a capital.
    """
    source = identifier(text)
    parts: list[str] = []
    for position, character in enumerate(source):
        before = source[position - 1] if position else "_"
        after = source[position + 1] if position + 1 < len(source) else ""
        starts = before.islower() or (before != "_" and after.islower())
        if character.isupper() and starts:
            parts.append("_")
        parts.append(character.lower())
    return "".join(parts)
