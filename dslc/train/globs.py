"""Globs of weight paths, as generated projects read them, without NumPy and without `re`.

What did not match once is remembered, so that no glob takes more than its length times the path's.
"""

from __future__ import annotations


def matches(glob: str, path: str) -> bool:
    """Whether a glob matches a path: `*` within one part, `**` for any number of parts."""
    return captures(glob, path) is not None


def captures(glob: str, path: str) -> tuple[str, ...] | None:
    """What each wildcard of a glob stands for in a path, from left to right; None without a match."""
    return _parts(tuple(glob.split(".")), tuple(path.split(".")), set())


def wildcards(glob: str) -> tuple[str, ...]:
    """The wildcards of a glob from left to right."""
    found: list[str] = []
    for part in glob.split("."):
        found += ["**"] if part == "**" else ["*"] * part.count("*")
    return tuple(found)


def filled(glob: str, texts: tuple[str, ...]) -> str:
    """The path that a glob becomes with texts for its wildcards."""
    waiting = list(texts)
    parts: list[str] = []
    for part in glob.split("."):
        pieces = part.split("*") if part != "**" else ["", ""]
        made = pieces[0]
        for piece in pieces[1:]:
            made += waiting.pop(0) + piece
        parts.append(made)
    return ".".join(part for part in parts if part)


Failed = set[tuple[int, int]]
"""How much of a glob and of a path is left where they are known not to match."""


def _parts(
    globs: tuple[str, ...], parts: tuple[str, ...], failed: Failed
) -> tuple[str, ...] | None:
    """What the wildcards in the parts of a glob stand for in the parts of a path."""
    if not globs:
        return None if parts else ()
    if (len(globs), len(parts)) in failed:
        return None
    found = None
    if globs[0] == "**":
        for count in range(len(parts) + 1):
            rest = _parts(globs[1:], parts[count:], failed)
            if rest is not None:
                return (".".join(parts[:count]), *rest)
    elif parts:
        found = _part(globs[0], parts[0], set())
    rest = None if found is None else _parts(globs[1:], parts[1:], failed)
    if found is None or rest is None:
        failed.add((len(globs), len(parts)))
        return None
    return (*found, *rest)


def _part(glob: str, part: str, failed: Failed) -> tuple[str, ...] | None:
    """What the stars in one part of a glob stand for in one part of a path."""
    first, star, rest = glob.partition("*")
    if not star:
        return () if glob == part else None
    if not part.startswith(first) or (len(glob), len(part)) in failed:
        return None
    for end in range(len(first), len(part) + 1):
        found = _part(rest, part[end:], failed)
        if found is not None:
            return (part[len(first) : end], *found)
    failed.add((len(glob), len(part)))
    return None
