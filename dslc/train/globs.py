"""Globs of weight paths, as generated projects read them, without NumPy and without `re`."""

from __future__ import annotations


def matches(glob: str, path: str) -> bool:
    """Whether a glob matches a path: `*` within one part, `**` for any number of parts."""
    return _parts_match(glob.split("."), path.split("."))


def _parts_match(globs: list[str], parts: list[str]) -> bool:
    """Whether the parts of a glob match the parts of a path."""
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_parts_match(globs[1:], parts[start:]) for start in range(len(parts) + 1))
    return bool(parts) and _part_matches(globs[0], parts[0]) and _parts_match(globs[1:], parts[1:])


def _part_matches(glob: str, part: str) -> bool:
    """Whether one part with `*` in it matches one part."""
    first, star, rest = glob.partition("*")
    if not star:
        return glob == part
    if not part.startswith(first):
        return False
    return any(_part_matches(rest, part[start:]) for start in range(len(first), len(part) + 1))
