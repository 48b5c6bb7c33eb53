"""The nearest known word to an unknown one.

Own code, because `difflib` costs more to import than a whole check may take.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 64


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was most likely meant to be, or None if none is near.

    Distance counts insertions, deletions, replacements and swaps of neighbours, without regard to
    case; a third of the word's length is near, a wholly different word never. Ties go to the first in alphabetical order, so the
    answer does not depend on a set's order.
    """
    if not word or len(word) > _LONGEST:
        return None
    folded = word.lower()
    best: str | None = None
    least = min(len(word), max(1, (len(word) + 1) // 3) + 1)
    for candidate in sorted(set(candidates)):
        if abs(len(candidate) - len(word)) >= least or candidate == word:
            continue
        found = edit_distance(folded, candidate.lower(), least)
        if found < least:
            best, least = candidate, found
    return best


def meant(word: str, candidates: Iterable[str]) -> str | None:
    """Like `nearest`, and what a longer name of another library holds or stands for.

    `out_channels` is `out`, `kernel_size` is `kernel`, `learning_rate` is `lr`.
    """
    known = sorted(set(candidates))
    close = nearest(word, known)
    parts = word.lower().split("_")
    if close is not None or len(parts) < 2:
        return close
    initials = "".join(part[:1] for part in parts)
    return next((name for name in (*parts, initials) if len(name) > 1 and name in known), None)


def edit_distance(left: str, right: str, limit: int) -> int:
    """The edits that turn `left` into `right`, or `limit` as soon as it cannot be fewer."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        following = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, following[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        if min(following) >= limit and min(row) >= limit:
            return limit
        before, row = row, following
    return min(row[-1], limit)
