"""Which names a module's statements use: what no statement uses is not imported."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from dslc.emit.python import Blank, Comment, If, Line, Raw, names_below

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.python import Statement


def used_names(body: Iterable[Statement]) -> set[str]:
    """The names that statements use, those in their bodies among them."""
    found: set[str] = set()
    for item in body:
        if isinstance(item, Comment | Blank):
            continue
        if isinstance(item, Raw):
            found |= _of_text(item.source)
        elif isinstance(item, Line):
            found |= _of_text(item.code)
        else:
            found |= names_below(item.node)
            found |= used_names(item.body)
            found |= used_names(item.orelse) if isinstance(item, If) else set()
    return found


@lru_cache(maxsize=8192)
def _of_text(text: str) -> frozenset[str]:
    return frozenset(names_below(ast.parse(text)))
