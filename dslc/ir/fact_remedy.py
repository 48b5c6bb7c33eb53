"""The fact that is missing for a comparison to hold: the weakest of some simple ones.

Candidates are sifted on small values, ordered by how many of those they leave, and accepted only
when the comparison is then proved.
"""

from __future__ import annotations

from itertools import combinations, islice

from dslc.ir.dim_division import modulo
from dslc.ir.dim_normal import Dim, add, atoms_of, multiply
from dslc.ir.dim_values import sym, symbols_of
from dslc.ir.fact_search import holds
from dslc.ir.facts import Constraint, Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dslc.ir.dim_normal import DimLike
    from dslc.ir.facts import Op

    Candidate = tuple[tuple[Constraint, ...], int]

MIRRORED: dict[str, Op] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
MOST_SAMPLES = 4200
GREATEST_MODULUS = 64
MOST_PROOFS = 10


def remedy(facts: Facts, op: Op, left: DimLike, right: DimLike) -> tuple[Constraint, ...]:
    """The weakest simple facts that make a comparison provable; empty if none do.

    Single facts are preferred to two facts about two symbols, and all to the comparison itself.
    """
    samples = _Samples(facts, op, left, right)
    if not samples.true or facts.proves(op, left, right):
        return ()
    gap = add(left, multiply(right, -1))
    names = sorted(symbols_of(gap))
    divisors = _divisors(gap)
    own = {name: list(_about_one(name, samples, divisors.get(name, ()))) for name in names}
    single = [candidate for name in names for candidate in own[name]]
    single += _about_two(names, samples)
    single += _about_divisions(gap, samples)
    swapped = MIRRORED[op] if isinstance(left, int) else None
    itself = Constraint(swapped, right, left) if swapped else Constraint(op, left, right)
    whole = [((itself,), samples.true)] if _is_plain(itself) else []
    if len(names) > 1 and op != "==":  # no bound of one symbol is as weak as that of their sum
        single += whole
    return (
        samples.first_mending(single)
        or samples.first_mending(_pairs(own, samples))
        or samples.first_mending(whole)
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

    def by_value(self, name: str) -> dict[int, int]:
        """For each value of a symbol, in order, the bits of the samples that have it."""
        bits: dict[int, int] = {}
        for position, env in enumerate(self.environments):
            bits[env[name]] = bits.get(env[name], 0) | 1 << position
        return dict(sorted(bits.items()))

    def of_two(self, first: str, second: str, fits: Callable[[int, int], bool]) -> int:
        """The bits of the samples whose values of two symbols fit."""
        found = ["1" if fits(env[first], env[second]) else "0" for env in self.environments]
        return int("".join(reversed(found)), 2)

    def where(self, constraint: Constraint) -> int:
        """The bits of the samples that satisfy a constraint."""
        found = [str(int(constraint.holds(env))) for env in reversed(self.environments)]
        return int("".join(found), 2)

    def first_mending(self, candidates: Iterable[Candidate]) -> tuple[Constraint, ...]:
        """The candidate that leaves most values, among those that lead to a proof.

        An upper bound leaves few sizes in the end, so it comes after what leaves any number.
        """
        fitting: list[tuple[tuple[bool, int], tuple[Constraint, ...]]] = []
        for constraints, bits in candidates:
            kept = bits & self.true
            if kept and not bits & self.false:
                bounded = any(c.op == "<=" and isinstance(c.right, int) for c in constraints)
                fitting.append(((bounded, -kept.bit_count()), constraints))
        fitting.sort(key=lambda scored: scored[0])
        for _, constraints in islice(fitting, MOST_PROOFS):
            if Facts([*self.facts.constraints, *constraints]).proves(*self.question):
                return constraints
        return ()


def _about_one(name: str, samples: _Samples, divisors: Iterable[int]) -> Iterator[Candidate]:
    """Bounds, multiples and remainders of one symbol, with the samples that satisfy them."""
    symbol = sym(name)
    by_value = samples.by_value(name)
    everything = samples.true | samples.false
    below = 0
    for value, bits in by_value.items():
        if below:
            yield (Constraint(">=", symbol, value),), everything & ~below
        below |= bits
        if below != everything:
            yield (Constraint("<=", symbol, value),), below
    for modulus in range(2, GREATEST_MODULUS + 1):
        multiples = 0
        for value, bits in by_value.items():
            if value % modulus == 0:
                multiples |= bits
        yield (Constraint("==", symbol % modulus, 0),), multiples
    for divisor in divisors:
        for rest in range(1, divisor):
            matching = 0
            for value, bits in by_value.items():
                if value % divisor == rest:
                    matching |= bits
            yield (Constraint("==", symbol % divisor, rest),), matching


def _about_two(names: Sequence[str], samples: _Samples) -> Iterator[Candidate]:
    """Orders, equality and divisibility of two symbols."""
    for first, second in combinations(names, 2):
        left, right = sym(first), sym(second)
        relations: list[tuple[Constraint, Callable[[int, int], bool]]] = [
            (Constraint("<=", left, right), lambda a, b: a <= b),
            (Constraint("<=", right, left), lambda a, b: b <= a),
            (Constraint("==", left % right, 0), lambda a, b: b > 0 and a % b == 0),
            (Constraint("==", right % left, 0), lambda a, b: a > 0 and b % a == 0),
            (Constraint("==", left, right), lambda a, b: a == b),
        ]
        for constraint, fits in relations:
            yield (constraint,), samples.of_two(first, second, fits)


def _divisors(gap: DimLike) -> dict[str, list[int]]:
    """The numbers by which the comparison divides something of one symbol."""
    found: dict[str, list[int]] = {}
    for atom in atoms_of(gap):
        if atom.kind not in ("floor", "mod"):
            continue
        names, divisor = symbols_of(atom.args[0]), atom.args[1]
        if len(names) == 1 and isinstance(divisor, int) and 1 < divisor <= GREATEST_MODULUS:
            own = found.setdefault(next(iter(names)), [])
            if divisor not in own:
                own.append(divisor)
    return found


def _about_divisions(gap: DimLike, samples: _Samples) -> Iterator[Candidate]:
    """That a division of several symbols in the comparison leaves nothing."""
    for atom in atoms_of(gap):
        if atom.kind not in ("floor", "mod"):
            continue
        numerator, denominator = atom.args
        if len(symbols_of(numerator)) != 1 or not isinstance(denominator, int):
            constraint = Constraint("==", modulo(numerator, denominator), 0)
            yield (constraint,), samples.where(constraint)


def _pairs(own: dict[str, list[Candidate]], samples: _Samples) -> Iterator[Candidate]:
    for first, second in combinations(own, 2):
        for one, bits in own[first]:
            if not bits & samples.true:
                continue
            failures = bits & samples.false
            for other, more in own[second]:
                if not more & failures:
                    yield one + other, bits & more


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
