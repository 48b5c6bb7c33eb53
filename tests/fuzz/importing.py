"""A random spec in two files: the blocks that need nothing of the rest lie in one that is imported."""

import json
from typing import Any

from dslc.limits import Limits
from dslc.loader import FolderLoader
from dslc.source import Source

Spec = dict[str, Any]
ALIAS, PLACE = "parts", "/fuzz/parts.yaml"


def in_two(spec: Spec) -> tuple[Spec, Spec | None]:
    """The spec that imports its blocks, and those; None where it has none to import."""
    blocks = spec.get("blocks", {})
    if not blocks:
        return spec, None
    calls = {name: f"{ALIAS}.{name}" for name in blocks}
    rest = {key: value for key, value in spec.items() if key not in ("dslc", "name", "blocks")}
    main = {"dslc": 1, "name": spec["name"], "imports": {ALIAS: f"./{ALIAS}.yaml"}}
    parts = {"dslc": 1, "name": "Parts", "params": spec.get("params", {}), "blocks": blocks}
    own = {"inputs": {"x": "f32[N]"}, "steps": ["tanh"]}
    return {**main, **calling(rest, calls)}, {**parts, **own}


def calling(part: Any, calls: dict[str, str]) -> Any:
    """Steps that call blocks by other names."""
    if isinstance(part, list):
        return [
            calls.get(item, item) if isinstance(item, str) else calling(item, calls)
            for item in part
        ]
    if not isinstance(part, dict):
        return part
    return {calls.get(key, key): calling(value, calls) for key, value in part.items()}


def source_of(main: Spec, parts: Spec | None) -> tuple[Source, FolderLoader]:
    """The main file, and what reads the other."""
    source, unsaved = Source("/fuzz/fuzz.yaml", json.dumps(main)), {PLACE: json.dumps(parts)}
    return source, FolderLoader(source, Limits(), unsaved=unsaved)
