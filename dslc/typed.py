"""`final` and `TYPE_CHECKING` without `typing`, whose import takes a tenth of a whole cold check."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import dataclass_transform, final
else:

    def final(declared):
        """Marks a class that nothing inherits from; only the type checker looks."""
        return declared

    def dataclass_transform(**options):
        """Marks a base whose subclasses' fields are their constructor's parameters."""
        del options
        return final


__all__ = ["TYPE_CHECKING", "dataclass_transform", "final"]
