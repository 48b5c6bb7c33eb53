"""The fact that is missing for a comparison to hold: the weakest of some simple ones.

Candidates are sifted on small values, ordered by how many of those they leave, and accepted only
when the comparison is then proved.
"""

from __future__ import annotations

from itertools import combinations, islice

from dslc.ir.dim_normal import Dim, add, multiply
from dslc.ir.dim_values import sym, symbols_of
from dslc.ir.fact_search import holds
from dslc.ir.facts import Constraint, Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dslc.ir.dim_normal import DimLike
    from dslc.ir.facts import Op

    Candidate = tuple[Constraint, ...]

MOST_SAMPLES = 4200
GREATEST_CONSTANT = 64
MOST_PROOFS = 10


def remedy(facts: Facts, op: Op, left: DimLike, right: DimLike) -> Candidate:
    """The weakest simple facts that make a comparison provable; empty if none do.

    Single facts are preferred to two facts about two symbols, and all to the comparison itself.
    """
    samples = _Samples(facts, op, left, right)
    if not samples.true or facts.proves(op, left, right):
        return ()
    names = sorted(symbols_of(add(left, multiply(right, -1))))
    own = {name: list(_about_one(name, samples)) for name in names}
    single = [constraint for name in names for constraint in own[name]]
    single += _about_two(names)
    itself = Constraint(op, left, right)
    return (
        samples.first_mending((constraint,) for constraint in single)
        or samples.first_mending(_pairs(own, samples))
        or samples.first_mending([(itself,)] if _is_plain(itself) else [])
    )


class _Samples:
    """Small values that satisfy the facts, as sets of bits: where the comparison holds or fails."""

    def __init__(self, facts: Facts, op: Op, left: DimLike, right: DimLike) -> None:
        self.facts = facts
        self.question: tuple[Op, DimLike, DimLike] = (op, left, right)
        gap = add(left, multiply(right, -1))
        self.true = 0
        self.false = 0
        self.environments: list[dict[str, int]] = []
        for env in facts.search(left, right).environments(MOST_SAMPLES):
            outcome = holds(op, gap, 0, env)
            if outcome is None:
                continue
            bit = 1 << len(self.environments)
            self.environments.append(env)
            if outcome:
                self.true |= bit
            else:
                self.false |= bit
        self._bits: dict[Constraint, int] = {}

    def where(self, constraint: Constraint) -> int:
        """The values that satisfy a constraint."""
        bits = self._bits.get(constraint)
        if bits is None:
            text = "".join("1" if constraint.holds(env) else "0" for env in self.environments)
            bits = self._bits[constraint] = int(text[::-1] or "0", 2)
        return bits

    def failing(self, name: str) -> list[int]:
        """The values of a symbol in the failures."""
        return [env[name] for i, env in enumerate(self.environments) if self.false >> i & 1]

    def first_mending(self, candidates: Iterable[Candidate]) -> Candidate:
        """The candidate that leaves most values, among those that lead to a proof."""
        fitting: list[tuple[int, Candidate]] = []
        for candidate in candidates:
            bits = ~0
            for constraint in candidate:
                bits &= self.where(constraint)
            kept = bits & self.true
            if kept and not bits & self.false:
                fitting.append((-kept.bit_count(), candidate))
        fitting.sort(key=lambda scored: scored[0])
        for _, candidate in islice(fitting, MOST_PROOFS):
            if Facts([*self.facts.constraints, *candidate]).proves(*self.question):
                return candidate
        return ()


def _about_one(name: str, samples: _Samples) -> Iterator[Constraint]:
    symbol = sym(name)
    failing = samples.failing(name)
    bounds = set(range(1, GREATEST_CONSTANT + 1))
    if failing:
        bounds |= {max(failing) + 1, min(failing) - 1}
    bounds = {bound for bound in bounds if bound > 0}
    yield from (Constraint(">=", symbol, bound) for bound in sorted(bounds) if bound > 1)
    for modulus in range(2, GREATEST_CONSTANT + 1):
        yield Constraint("==", symbol % modulus, 0)
    yield from (Constraint("<=", symbol, bound) for bound in sorted(bounds, reverse=True))


def _about_two(names: Sequence[str]) -> Iterator[Constraint]:
    for first, second in combinations(names, 2):
        left, right = sym(first), sym(second)
        yield Constraint("<=", left, right)
        yield Constraint(">=", left, right)
        yield Constraint("==", left % right, 0)
        yield Constraint("==", right % left, 0)
        yield Constraint("==", left, right)


def _pairs(own: dict[str, list[Constraint]], samples: _Samples) -> Iterator[Candidate]:
    for first, second in combinations(own, 2):
        for one in own[first]:
            failures = samples.where(one) & samples.false
            if not samples.where(one) & samples.true:
                continue
            for other in own[second]:
                if not samples.where(other) & failures:
                    yield one, other


def _is_plain(constraint: Constraint) -> bool:
    """Whether a comparison is short enough to be a fact of a spec."""
    gap = constraint.difference()
    plain = (
        isinstance(factor, str)
        for side in (constraint.left, constraint.right)
        if isinstance(side, Dim)
        for monomial in side.terms
        for factor in monomial
    )
    return isinstance(gap, Dim) and len(gap.terms) <= 4 and all(plain)
