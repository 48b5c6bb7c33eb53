"""Text: from words or characters to ids, in rows of one length, shifted, masked."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dslc.train.runtime.data_disk import Array, OnDisk, Uneven, rows_of, to_disk
from dslc.train.runtime.data_order import Draws

FIRST_ID = 2  # 0 pads, 1 stands for what is not in the vocabulary


def words_of(text: str) -> list[str]:
    """Words and signs, in lower case."""
    return re.findall(r"\w+(?:'\w+)?|[^\w\s]", text.lower())


def vocabulary_of(texts: Iterable[Sequence[str]], size: int) -> list[str]:
    """The commonest tokens, at most so many that their ids are below a size."""
    counts: Counter[str] = Counter()
    for tokens in texts:
        counts.update(tokens)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [token for token, _ in ranked[: size - FIRST_ID]]


def read_vocabulary(path: Path) -> list[str]:
    """A vocabulary that is given: a token a line; the first has the id 2."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    return path.read_text(encoding="utf-8").splitlines()


def ids_of(tokens: Sequence[str], known: Mapping[str, int]) -> Array:
    """The ids of tokens; 1 for those that are not known."""
    return np.fromiter((known.get(token, 1) for token in tokens), np.int64, len(tokens))


def numbered(vocabulary: Sequence[str]) -> dict[str, int]:
    """The ids of a vocabulary."""
    return {token: number for number, token in enumerate(vocabulary, FIRST_ID)}


def token_ids(texts: Iterable[Sequence[str]], vocabulary: Sequence[str]) -> Array:
    """The ids of texts that are split into tokens, a row each."""
    known = numbered(vocabulary)
    return rows_of(ids_of(tokens, known) for tokens in texts)


def ids_to_disk(texts: OnDisk, split: Callable[[str], list[str]], vocabulary: Sequence[str]) -> Any:
    """`token_ids` of texts on disk, in a file beside theirs."""
    known = numbered(vocabulary)
    rows = to_disk((ids_of(split(text), known) for text in texts), texts.array.store, "int32")
    return OnDisk(rows, "object")


def bytes_of(text: str) -> Array:
    """A text's bytes in UTF-8."""
    return np.frombuffer(text.encode(), np.uint8).astype(np.int64)


def windows(rows: Sequence[Array], length: int, dtype: str) -> Array:
    """All rows one after the other, cut into rows of one length; what is left over is dropped."""
    together = np.concatenate([*rows]) if len(rows) else np.zeros(0, dtype)
    count = len(together) // length
    if count == 0:
        raise ValueError(f"{len(together)} tokens do not fill a window of {length}")
    return np.ascontiguousarray(together[: count * length].reshape(count, length), dtype)


def windows_on_disk(rows: OnDisk, length: int, dtype: str) -> OnDisk:
    """`windows` of all rows on disk, which are there one after the other."""
    numbers = rows.array.numbers if isinstance(rows.array, Uneven) else rows.array.reshape(-1)
    count = len(numbers) // length
    if count == 0:
        raise ValueError(f"{len(numbers)} tokens do not fill a window of {length}")
    return OnDisk(numbers[: count * length].reshape(count, length), dtype)


def filled(rows: Sequence[Array], length: int, value: int, dtype: str) -> Array:
    """Rows of one length: longer ones end early, shorter ones are filled up."""
    found = np.full((len(rows), length), value, dtype)
    for place, row in enumerate(rows):
        kept = row[:length]
        found[place, : len(kept)] = kept
    return found


def lengths_of(rows: Sequence[Array], length: int, dtype: str) -> Array:
    """How many places of each row count: at least 1, at most all."""
    return np.array([min(max(len(row), 1), length) for row in rows], dtype)


def bucket_number(ids: Array, value: int, sizes: Sequence[int]) -> Array:
    """The smallest of some sizes that holds each row without what fills it up."""
    used = ids != value
    lengths = np.where(used.any(axis=1), ids.shape[1] - np.argmax(used[:, ::-1], axis=1), 0)
    return np.array(sizes)[np.searchsorted(sizes, lengths)]


def masked(
    ids: Array, draws: Draws, rate: float, mask: int, others: tuple[float, float], first: int
) -> Array:
    """Ids of which a share is hidden behind `mask`, or another id, or left as it is.

    Args:
        ids: one row of them for each row of the batch.
        draws: the rows' random numbers.
        rate: the share of places that are to be found.
        mask: the id that hides them.
        others: of these places, the shares that get another id, and that stay as they are.
        first: lower ids are never chosen.
    """
    kinds = draws.uniform("mask, how", ids.shape[1])
    chance = draws.integers("mask, which", max(1, mask - first), ids.shape[1]) + first
    hidden = np.where(kinds < others[0], chance, np.where(kinds < sum(others), ids, mask))
    return np.where(chosen_of(ids, draws, rate, first), hidden, ids).astype(ids.dtype)


def sought(ids: Array, draws: Draws, rate: float, first: int, ignore: int) -> Array:
    """What is to be found in the places that `masked` chooses; elsewhere what does not count."""
    return np.where(chosen_of(ids, draws, rate, first), ids, ignore).astype(ids.dtype)


def chosen_of(ids: Array, draws: Draws, rate: float, first: int) -> Array:
    """The places that `masked` chooses."""
    return (draws.uniform("mask, where", ids.shape[1]) < rate) & (ids >= first)
