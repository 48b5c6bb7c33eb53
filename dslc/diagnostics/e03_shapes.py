"""E03xx: shapes and types of steps."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry

ENTRIES: dict[str, Entry] = {}
