"""Initial values as a short table of globs: the first that matches a path decides.

A spec says how each weight starts; a person would write that down in a few rows. So the rule that
most weights of one name follow becomes a row for all of them, `("**.weight", kaiming_uniform())`,
and above it stand rows for the exceptions, as general as they can be without touching others. The
table is checked against every weight before it is given out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dslc.syntax.expressions import number_text
from dslc.train.globs import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dslc.passes.weights import WeightInfo

Row = tuple[str, str]
"""A glob and the call that makes an initialiser."""


def initial_table(weights: Sequence[WeightInfo]) -> list[Row]:
    """The rows for the weights of a model, exceptions first; tied weights are their targets'."""
    wanted = {info.path: call_of(info.initialiser) for info in weights if info.tied is None}
    rows: list[Row] = []
    names = dict.fromkeys(path.rpartition(".")[2] for path in wanted)
    common = [(_for_all(wanted, name), _commonest(wanted, name)) for name in names]
    for name, (_, usual) in zip(names, common, strict=True):
        rows += exceptions(wanted, name, usual)
    return sorted_rows(rows + common, wanted)


def sorted_rows(rows: list[Row], wanted: dict[str, str]) -> list[Row]:
    """The rows, without one whose weights another one below it would fill in the same way."""
    kept = list(rows)
    for row in rows:
        fewer = [other for other in kept if other != row]
        if fills(fewer, wanted):
            kept = fewer
    if not fills(kept, wanted):
        raise AssertionError("the table of initial values does not say what the spec says")
    return kept


def fills(rows: Sequence[Row], wanted: dict[str, str]) -> bool:
    """Whether a table gives every weight exactly its initialiser."""
    return all(
        next((call for glob, call in rows if matches(glob, path)), None) == expected
        for path, expected in wanted.items()
    )


def exceptions(wanted: dict[str, str], name: str, usual: str) -> list[Row]:
    """Rows for the weights of a name that do not start as usual, those that fill most first."""
    own = {path: call for path, call in wanted.items() if path.rpartition(".")[2] == name}
    left = {path: call for path, call in own.items() if call != usual}
    rows: list[Row] = []
    while left:
        row = widest(left, own, usual)
        rows.append(row)
        left = {path: call for path, call in left.items() if not matches(row[0], path)}
    return rows


def widest(left: dict[str, str], own: dict[str, str], usual: str) -> Row:
    """The row that fills most of the weights that are left, and no other in another way."""
    right: dict[str, str] = {}
    for glob in dict.fromkeys(glob for path in left for glob in candidates(path)):
        call = _only_call(glob, own)
        if call is not None and call != usual:
            right[glob] = call
    if not right:
        return next(iter(left.items()))
    filled = {glob: sum(matches(glob, path) for path in left) for glob in right}
    best = max(filled, key=lambda glob: (filled[glob], -len(glob), glob))
    return best, right[best]


def _only_call(glob: str, own: dict[str, str]) -> str | None:
    """How all that a glob matches starts; None where it starts in several ways."""
    calls = {call for path, call in own.items() if matches(glob, path)}
    return next(iter(calls)) if len(calls) == 1 else None


def candidates(path: str) -> Iterable[str]:
    """Globs that a person might write for a path."""
    *scopes, name = path.split(".")
    numbered = ["*" if part.isdigit() else part for part in scopes]
    yield ".".join([*numbered, name])
    if not scopes:
        return
    parent = scopes[-1]
    yield f"**.{parent}.{name}"
    stem = parent.rstrip("0123456789").rstrip("_")
    if stem:
        yield f"**.{stem}*.{name}"
    for word in parent.split("_"):
        word = word.rstrip("0123456789")
        if word:
            yield f"**.*{word}*.{name}"
    if len(scopes) > 1:
        yield f"**.{scopes[-2]}.{parent}.{name}"
        yield f"{scopes[0]}.**.{name}"


def _for_all(wanted: dict[str, str], name: str) -> str:
    """A glob for every weight of a name."""
    paths = [path for path in wanted if path.rpartition(".")[2] == name]
    return paths[0] if len(paths) == 1 else f"**.{name}"


def _commonest(wanted: dict[str, str], name: str) -> str:
    """What most weights of a name start with."""
    counts = Counter(call for path, call in wanted.items() if path.rpartition(".")[2] == name)
    return counts.most_common(1)[0][0]


def call_of(initialiser: tuple[object, ...]) -> str:
    """The call that makes an initialiser: `normal(std=0.02)`."""
    kind, *arguments = initialiser
    texts: list[str] = []
    for argument in arguments:
        assert isinstance(argument, tuple)
        name, value = argument  # pyright: ignore[reportUnknownVariableType]
        if (name, value) != ("sibling", "weight"):  # the initialiser's own default
            texts.append(f"{name}={_value(value)}")  # pyright: ignore[reportUnknownArgumentType]
    return f"{kind}({', '.join(texts)})"


def _value(value: object) -> str:
    """A number or a word as Python."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_text(value)
    return f'"{value}"'


def path_globs(paths: Sequence[str], others: Sequence[str]) -> list[str]:
    """Globs that match some paths and no others: with `*` for numbers where that is right."""
    found: dict[str, None] = {}
    for path in paths:
        general = ".".join("*" if part.isdigit() else part for part in path.split("."))
        is_right = not any(matches(general, other) for other in others)
        found[general if is_right else path] = None
    return list(found)
