"""The ops: one class each, a file per family.

Declaring a class registers it, and a look-up imports the file of this folder that declares it, so a
new op or family is written in one place.
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
    """Every op by name, those of installed packages too, in alphabetical order."""
    _load()
    _installed(None)
    return dict(sorted(REGISTRY.items()))


def find(name: str) -> type[Op] | None:
    """The op of a name, or None; only the file that declares its class is imported, if it is there."""
    if name not in REGISTRY:
        line = f"class {''.join(part[:1].upper() + part[1:] for part in name.split('_'))}("
        for file, text in _texts().items():
            if line in text:
                import_module(f"{__name__}.{file}")
    if name not in REGISTRY:
        _load()
    if name not in REGISTRY:
        _installed(name)
    return REGISTRY.get(name)


@cache
def _texts() -> dict[str, str]:
    """The text of every file of ops, by its module."""
    folder = os.path.dirname(__file__)
    found: dict[str, str] = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".py") and not file.startswith("_"):
            with open(os.path.join(folder, file), encoding="utf-8") as text:
                found[file[:-3]] = text.read()
    return found


@cache
def _load() -> None:
    for file in _texts():
        import_module(f"{__name__}.{file}")


@cache
def _installed(name: str | None) -> None:
    """Looks for an op, or for all, among installed packages: 40 ms, for what nothing here is called."""
    from dslc.plugin import installed

    installed(name)
