"""E08xx: the training section."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry

ENTRIES: dict[str, Entry] = {}
