"""E05xx: ops and attributes."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry

ENTRIES: dict[str, Entry] = {}
