"""Batches in a repeatable order, and random numbers for what changes their rows.

The order depends on a seed alone: step k of an epoch takes the k-th batch of that epoch's
permutation, and with several processes each takes its own contiguous slice of it. So every
framework, and every number of devices, sees the same batches, and a position is two numbers
that a checkpoint can hold.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dslc.train.runtime.data import Array, Arrays, count_of, random_keys, take

# What a project's `data.py` has of this file is decided when it is generated, and what stands here
# without a value it brings itself: see `dslc.emit.data_file`.
AHEAD = False  # whether threads make batches before they are asked for
BUCKETS = False  # whether the rows of a batch have one length
CHANGES = False  # whether rows are changed anew in every epoch
MIXES = False  # whether each row is mixed with another
PLAIN = True  # whether rows are as they are
SETTLES = False  # whether held-out rows are changed when they are read
SHUFFLES = True  # whether each epoch has an order of its own
WORKERS = 2

augment: Any = None
bucket_of: Any = None
cut: Any = None
mix: Any = None
settle: Any = None


@dataclass(frozen=True)
class Draws:
    """Random numbers for the rows of a batch, from the seed, the epoch and the row alone.

    So they are the same in every framework, whichever batch, process or thread a row is in.
    """

    seed: int
    epoch: int | str
    rows: Array

    def bits(self, use: str, count: int = 1) -> NDArray[np.uint64]:
        """`count` 64-bit numbers for each row, from a stream of their own."""
        key = random_keys(1, self.seed, f"{use} of epoch {self.epoch}")
        rows = _scrambled(key + self.rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
        return _scrambled(rows[:, None] + steps)

    def uniform(self, use: str, count: int = 1) -> NDArray[np.float64]:
        """`count` numbers of at least 0 and below 1 for each row."""
        return (self.bits(use, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, use: str, below: int, count: int = 1) -> NDArray[np.int64]:
        """`count` integers of at least 0 and below a bound for each row."""
        return (self.uniform(use, count) * below).astype(np.int64)


def _scrambled(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64 bits that mixes them well: the last part of SplitMix64."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


class Batches:
    """Training batches in an order that depends on the seed alone; the last partial one is left.

    Args:
        arrays: columns of equal length.
        batch: rows of a step, over all processes together.
        seed: of the order.
        process: which of the processes this is; it gets its slice of every batch.
        processes: how many there are.
    """

    def __init__(
        self, arrays: Arrays, batch: int, seed: int, process: int = 0, processes: int = 1
    ) -> None:
        self.arrays = arrays
        self.batch = batch
        self.seed = seed
        self.count = count_of(arrays)
        if not 1 <= batch <= self.count:
            raise ValueError(f"a batch of {batch} does not fit {self.count} rows")
        if batch % processes:
            raise ValueError(f"a batch of {batch} cannot be shared by {processes} processes")
        share = batch // processes
        self._mine = slice(process * share, (process + 1) * share)
        if BUCKETS:
            self.lengths = bucket_of(arrays)
            full = np.bincount(self.lengths) // batch  # batches of each length
            self.steps = int(full.sum())  # in an epoch
            if self.steps == 0:
                raise ValueError(f"no length has the {batch} rows of a batch")
        else:
            self.steps = self.count // batch  # in an epoch

    def rows(self, step: int) -> Array:
        """The rows of a step, counted from the beginning of the run."""
        epoch, step = divmod(step, self.steps)
        return self.order(epoch)[step * self.batch : (step + 1) * self.batch]

    def order(self, epoch: int) -> Array:
        """The rows of an epoch, batch by batch."""
        if SHUFFLES:
            keys = random_keys(self.count, self.seed, f"epoch {epoch}")
            if BUCKETS:
                return self.by_length(np.argsort(keys, kind="stable"))
            else:  # noqa: RET505
                return np.argsort(keys, kind="stable")
        else:
            del epoch  # each is like the other
            if BUCKETS:
                return self.by_length(np.arange(self.count))
            else:  # noqa: RET505
                return np.arange(self.count)

    if BUCKETS:

        def by_length(self, order: Array) -> Array:
            """The rows with those of one length together in a batch; the batches stay mixed."""
            found: list[Array] = []
            for length in np.unique(self.lengths):
                rows = order[self.lengths[order] == length]
                found += np.split(rows, range(self.batch, len(rows) + 1, self.batch))[:-1]
            place = np.empty(self.count, np.int64)
            place[order] = np.arange(self.count)
            return np.concatenate(sorted(found, key=lambda rows: int(place[rows[0]])))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Arrays]:
        """The batches of an epoch, from a step on: to resume, pass the step that comes next."""
        order = self.order(epoch)
        starts = range(start * self.batch, self.steps * self.batch, self.batch)
        batches = (order[first : first + self.batch][self._mine] for first in starts)
        if PLAIN and not AHEAD:
            return (take(self.arrays, rows) for rows in batches)
        elif AHEAD:  # noqa: RET505
            return ahead(partial(self.made, epoch), batches)
        else:
            return (self.made(epoch, rows) for rows in batches)

    if AHEAD or not PLAIN:

        def made(self, epoch: int, rows: Array) -> Arrays:
            """The batch of some rows."""
            if PLAIN:
                del epoch  # they are the same in each
                return take(self.arrays, rows)
            elif MIXES:  # noqa: RET505
                draws = Draws(self.seed, epoch, rows)
                partners = draws.integers("mixup", self.count)[:, 0]
                if CHANGES:
                    batch = augment(take(self.arrays, rows), draws)
                    drawn = Draws(self.seed, f"{epoch}, mixed in", partners)
                    return mix(batch, augment(take(self.arrays, partners), drawn), draws)
                else:  # noqa: RET505
                    return mix(take(self.arrays, rows), take(self.arrays, partners), draws)
            elif BUCKETS:
                batch = cut(take(self.arrays, rows), int(self.lengths[rows[0]]))
                if CHANGES:
                    return augment(batch, Draws(self.seed, epoch, rows))
                else:  # noqa: RET505
                    del epoch  # they are the same in each
                    return batch
            else:
                return augment(take(self.arrays, rows), Draws(self.seed, epoch, rows))


def ahead(made: Callable[[Array], Arrays], batches: Iterable[Array]) -> Iterator[Arrays]:
    """Batches in order, made by threads while those before are used."""
    waiting: deque[Future[Arrays]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        for rows in batches:
            waiting.append(pool.submit(made, rows))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def pieces(batch: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """The rows of a batch in equal parts, in order."""
    rows = next(iter(batch.values())).shape[0] // count
    starts = range(0, rows * count, rows)
    return [{name: array[k : k + rows] for name, array in batch.items()} for k in starts]


def average(
    measure: Callable[[Arrays], Mapping[str, float]], arrays: Arrays, batch: int
) -> dict[str, float]:
    """The means over all rows of what is measured on batches in order; the last may be smaller.

    Args:
        measure: from a batch to means over its rows, by name.
        arrays: columns of equal length.
        batch: the largest number of rows at a time.
    """
    totals: dict[str, float] = {}
    for rows in in_order(arrays, batch):
        for name, value in measure(rows).items():
            totals[name] = totals.get(name, 0.0) + value * count_of(rows)
    return {name: total / count_of(arrays) for name, total in totals.items()}


def in_order(arrays: Arrays, batch: int) -> Iterator[Arrays]:
    """All rows in order, `batch` of them at a time; the last may be fewer."""
    count = count_of(arrays)
    for start in range(0, count, batch):
        rows = np.arange(start, min(start + batch, count))
        if SETTLES:
            yield settle(take(arrays, rows), Draws(0, "of held-out rows", rows))
        else:
            yield take(arrays, rows)
