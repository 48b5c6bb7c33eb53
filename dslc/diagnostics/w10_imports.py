"""W10xx: imports that are right and probably not meant."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.e10_imports import importing

ENTRIES: dict[str, Entry] = {
    "W1001": Entry(
        "an import that nothing uses",
        "No step calls one of its blocks, and no expression reads one of its params.",
        importing("res: zoo:resnet50", "relu"),
        importing("res: zoo:resnet50"),
    ),
}
