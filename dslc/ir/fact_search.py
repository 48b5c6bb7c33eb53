"""The smallest values of symbols for which something holds, found by trying.

A search refutes, it never proves. Values are tried in order of their sum, then as the symbols are
sorted, so what is found first is the smallest.
"""

from __future__ import annotations

from dslc.ir.dim_normal import Dim
from dslc.ir.dim_values import evaluate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dslc.ir.dim_normal import DimLike
    from dslc.ir.facts import Constraint

GREATEST = 64
FARTHEST = 4096
FEWEST = 8
MOST_SORTED = 2000


class Search:
    """Enumerates values that satisfy facts.

    Args:
        symbols: The symbols in question.
        constraints: All facts; those that matter for the symbols bring theirs in.
        lower: The least value of each symbol.
        derived: What the facts say that a symbol is; such symbols are computed, not tried.
        reach: How far beyond the usual values symbols are tried, several less far than one.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        constraints: Sequence[Constraint],
        lower: Callable[[str], int],
        derived: Mapping[str, DimLike],
        reach: int = 0,
    ) -> None:
        names = set(symbols)
        self.constraints = _connected(names, constraints)
        self.names = sorted(names)
        self._lower = lower
        self._derived = {name: derived[name] for name in self.names if name in derived}
        self._free = [name for name in self.names if name not in derived]
        far = reach if len(self._free) == 1 else min(reach, 4 * GREATEST)
        self._domains = [self._domain(name, lower(name), far) for name in self._free]

    def environments(self, most: int) -> Iterable[dict[str, int]]:
        """Values that satisfy the facts, smallest first, after trying at most so many."""
        if not self._derived:
            return self._satisfying(most)
        found = self._satisfying(max(most, MOST_SORTED))
        return sorted(found, key=lambda env: (sum(env.values()), list(env.values())))

    def tried(self) -> tuple[str | None, int]:
        """The only symbol and the value up to which each is tried; None where there are more."""
        if len(self.names) != 1 or self._derived:
            return None, 0
        return self.names[0], self._domains[0][-1] if self._domains[0] else 0

    def _satisfying(self, most: int) -> Iterator[dict[str, int]]:
        shared = self._shared
        for values in by_sum(self._domains, most):
            free = dict(zip(self._free, values, strict=True))
            env = self._completed(free) if self._derived else free
            if env is not None and all(constraint.holds(env) for constraint in shared):
                yield env

    def _completed(self, free: dict[str, int]) -> dict[str, int] | None:
        """The values with the derived ones, sorted by name; None if one is no size."""
        try:
            computed = {name: evaluate(dim, free) for name, dim in self._derived.items()}
        except (ZeroDivisionError, ValueError):
            return None
        if any(value < self._lower(name) for name, value in computed.items()):
            return None
        return {name: computed[name] if name in computed else free[name] for name in self.names}

    @property
    def _shared(self) -> list[Constraint]:
        free = self._free
        return [
            fact
            for fact in self.constraints
            if len(symbols := fact.symbols()) != 1 or symbols.isdisjoint(free)
        ]

    def _domain(self, name: str, low: int, reach: int) -> list[int]:
        own = [fact for fact in self.constraints if fact.symbols() == frozenset({name})]
        far = max(GREATEST, low + GREATEST - 1, min(reach, FARTHEST))
        values: list[int] = []
        for value in range(low, max(far, FARTHEST) + 1):
            if value > far and (len(values) >= FEWEST or not own):
                break
            if all(fact.holds({name: value}) for fact in own):
                values.append(value)
        return values


def _connected(names: set[str], constraints: Sequence[Constraint]) -> list[Constraint]:
    """The constraints that share symbols with the names, whose symbols are added to the names."""
    found: list[Constraint] = []
    waiting = list(constraints)
    grown = True
    while grown:
        grown = False
        for constraint in list(waiting):
            symbols = constraint.symbols()
            if symbols & names:
                names |= symbols
                found.append(constraint)
                waiting.remove(constraint)
                grown = True
    return found


def by_sum(domains: Sequence[Sequence[int]], most: int) -> Iterator[tuple[int, ...]]:
    """The product of sorted domains by rising sum, then lexicographically; at most so many.

    Each tuple but the first comes from one with a smaller sum, by taking the next value of its last
    place that was moved or of one behind it. So the work grows with what is given out, however far
    the values of a domain lie apart.
    """
    if not all(domains):
        return
    if len(domains) == 1:
        yield from ((value,) for value in domains[0][:most])
        return
    from heapq import heappop, heappush

    first = tuple(domain[0] for domain in domains)
    waiting = [(sum(first), first, (0,) * len(domains), 0)]
    for _ in range(most):
        if not waiting:
            return
        total, values, places, moved = heappop(waiting)
        yield values
        for axis in range(moved, len(domains)):
            place = places[axis] + 1
            if place < len(domains[axis]):
                value = domains[axis][place]
                grown = (*values[:axis], value, *values[axis + 1 :])
                at = (*places[:axis], place, *places[axis + 1 :])
                heappush(waiting, (total - values[axis] + value, grown, at, axis))


def holds(op: str, left: DimLike, right: DimLike, env: Mapping[str, int]) -> bool | None:
    """Whether a comparison holds for values; None where it has none."""
    try:
        return compare(op, evaluate(left, env), evaluate(right, env))
    except (ZeroDivisionError, ValueError):
        return None


def compare(op: str, left: int, right: int) -> bool:
    """One of the six comparisons."""
    if op == "==":
        return left == right
    if op == "!=":
        return left != right
    if op in ("<", ">="):
        return (left < right) == (op == "<")
    return (left <= right) == (op == "<=")


def constants_in(values: Iterable[DimLike]) -> int:
    """The greatest constant that stands in dims, with room for its neighbours."""
    greatest = 0
    for value in values:
        if isinstance(value, Dim):
            greatest = max(greatest, constants_in(_parts(value)))
            greatest = max(greatest, *(abs(c) for m, c in value.terms.items() if not m), 0)
        else:
            greatest = max(greatest, abs(value))
    return greatest


def greatest_divisor(values: Iterable[DimLike]) -> int:
    """The greatest constant that something in dims is divided by; 1 where nothing is."""
    greatest = 1
    for value in values:
        for monomial in value.terms if isinstance(value, Dim) else ():
            for factor in monomial:
                if isinstance(factor, str):
                    continue
                greatest = max(greatest, greatest_divisor(factor.args))
                if factor.kind == "floor" and isinstance(factor.args[1], int):
                    greatest = max(greatest, abs(factor.args[1]))
    return greatest


def _parts(value: Dim) -> Iterator[DimLike]:
    for monomial in value.terms:
        for factor in monomial:
            if not isinstance(factor, str):
                yield from factor.args
