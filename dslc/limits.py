"""The budgets that no spec may exceed, so that no input hangs the compiler or fills the memory.

Each limit has a default that real networks stay far below and `--limit name=value` overrides. A
limit is checked before the work that it bounds: while reading, before unrolling, before generating.
"""

from __future__ import annotations

LIMITS: dict[str, tuple[int, str]] = {
    "file_bytes": (4 << 20, "bytes of one spec file"),
    "depth": (64, "levels of nesting in YAML, aliases expanded"),
    "nodes": (100_000, "YAML nodes of one file, aliases expanded"),
    "scalar_bytes": (64 << 10, "characters of one YAML scalar"),
    "steps": (100_000, "steps of a model after `repeat`"),
    "instances": (10_000, "distinct instances of blocks"),
    "elements": (1 << 40, "elements of one value of known size"),
    "weight_bytes": (1 << 40, "bytes of all weights of a model"),
    "imports": (256, "files that one spec imports, directly or not"),
}
"""Each limit's name, its default and what it counts."""


class Limits:
    """The limits in force; unchangeable, `override` gives a changed copy."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, int] | None = None) -> None:
        self._values: dict[str, int] = {name: default for name, (default, _) in LIMITS.items()}
        self._values.update(values or {})

    def override(self, name: str, value: int | str) -> Limits:
        """A copy in which `name` is `value`.

        Raises:
            ValueError: the name is unknown, or the value is no positive integer.
        """
        if name not in LIMITS:
            raise ValueError(f"unknown limit `{name}`; the limits are {', '.join(LIMITS)}")
        text = str(value)
        if not (text.isascii() and text.isdigit() and 0 < len(text) < 19 and int(text) > 0):
            raise ValueError(f"limit `{name}` needs a positive integer")
        return Limits({**self._values, name: int(text)})

    @property
    def file_bytes(self) -> int:
        """Bytes of one spec file."""
        return self._values["file_bytes"]

    @property
    def depth(self) -> int:
        """Levels of nesting in YAML, aliases expanded."""
        return self._values["depth"]

    @property
    def nodes(self) -> int:
        """YAML nodes of one file, aliases expanded."""
        return self._values["nodes"]

    @property
    def scalar_bytes(self) -> int:
        """Characters of one YAML scalar."""
        return self._values["scalar_bytes"]

    @property
    def steps(self) -> int:
        """Steps of a model after `repeat`."""
        return self._values["steps"]

    @property
    def instances(self) -> int:
        """Distinct instances of blocks that are checked."""
        return self._values["instances"]

    @property
    def elements(self) -> int:
        """Elements of one value of known size."""
        return self._values["elements"]

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights of a model."""
        return self._values["weight_bytes"]

    @property
    def imports(self) -> int:
        """Files that one spec imports, directly or not."""
        return self._values["imports"]


DEFAULT_LIMITS = Limits()
