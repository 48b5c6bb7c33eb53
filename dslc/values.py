"""Compile-time values: what a param, an attribute or an index may be."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeGuard


def is_list(value: object) -> TypeGuard[tuple[object, ...]]:
    """Whether a value is a list (a tuple underneath)."""
    return isinstance(value, tuple)


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a value is an integer and no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def exact(value: object) -> object:
    """A key that tells apart what Python calls equal: `true`, 1 and 1.0."""
    if is_list(value):
        return tuple(exact(item) for item in value)
    return value.__class__, value
