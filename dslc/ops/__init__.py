"""The ops: one class each, a file per family.

Declaring a class registers it, and the first look-up imports every file of this folder, so a new
op or family is written in one place.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module

from dslc.ops.base import REGISTRY
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ops.base import Op

__all__ = ["all_ops", "find"]


def all_ops() -> dict[str, type[Op]]:
    """Every op by name, in alphabetical order."""
    _load()
    return dict(sorted(REGISTRY.items()))


def find(name: str) -> type[Op] | None:
    """The op of a name, or None."""
    _load()
    return REGISTRY.get(name)


@cache
def _load() -> None:
    for file in sorted(os.listdir(os.path.dirname(__file__))):
        if file.endswith(".py") and not file.startswith("_"):
            import_module(f"{__name__}.{file[:-3]}")
