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
    everything = spec.get("blocks", {})
    blocks = closed(everything, spec.get("models", {}))
    if not blocks:
        return spec, None
    calls = {name: f"{ALIAS}.{name}" for name in blocks}
    rest = {key: value for key, value in spec.items() if key not in ("dslc", "name", "blocks")}
    if left := {name: body for name, body in everything.items() if name not in blocks}:
        rest["blocks"] = left
    main = {"dslc": 1, "name": spec["name"], "imports": {ALIAS: f"./{ALIAS}.yaml"}}
    parts = {"dslc": 1, "name": "Parts", "params": spec.get("params", {}), "blocks": blocks}
    own = {"inputs": {"x": "f32[N]"}, "steps": ["tanh"]}
    return {**main, **calling(rest, calls)}, {**parts, **own}


def closed(blocks: Spec, models: Spec) -> Spec:
    """The blocks that call none of some models, nor a block that does."""
    outside, left = set(models), dict(blocks)
    while found := {name for name, body in left.items() if words_in(body) & outside}:
        outside |= found
        left = {name: body for name, body in left.items() if name not in found}
    return left


def words_in(part: Any) -> set[str]:
    """The keys and words of a part of a spec."""
    if isinstance(part, dict):
        return set(part).union(*map(words_in, part.values()))
    if isinstance(part, list):
        return set[str]().union(*map(words_in, part))
    return {part} if isinstance(part, str) else set()


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
