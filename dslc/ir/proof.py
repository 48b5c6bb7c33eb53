"""Proofs about dims: is a polynomial zero, non-negative or never zero under assumptions?

A proof tries, in this order: the normal form, bounds term by term, exact linear reasoning over
what is known of each symbol, atom and product (`proof_linear`), and case distinctions: which
argument a `min` or `max` takes, and which remainder a symbol leaves. Each of these is sound;
nothing is concluded from examples.
"""

from __future__ import annotations

from itertools import product
from math import gcd, prod

from dslc.ir.dim_normal import Atom, Dim, add, content, multiply
from dslc.ir.dim_values import replace_factors, rewrite, sym
from dslc.ir.proof_bounds import Bounds
from dslc.ir.proof_linear import contradictory
from dslc.ir.proof_rows import rows_about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from dslc.ir.dim_normal import DimLike, Factor

    Relation = Literal[">=", "==", "!="]

MOST_CASES = 64
MOST_CHOICES = 5


class Prover:
    """Proves relations between a dim and zero.

    Args:
        lower: Least values of symbols (1 where none is given).
        upper: Greatest values of symbols.
        facts: Polynomials known to be non-negative.
    """

    def __init__(
        self, lower: Mapping[str, int], upper: Mapping[str, int], facts: Sequence[Dim] = ()
    ) -> None:
        self.bounds = Bounds(lower, upper)
        self.facts = facts

    def prove_fast(self, relation: Relation, value: DimLike) -> bool:
        """A proof by normal form and bounds alone."""
        if isinstance(value, int):
            return _holds(relation, value)
        if relation == ">=":
            return self.bounds.non_negative(value)
        if relation == "==":
            return self.bounds.of(value) == (0, 0)
        if value.terms.get((), 0) % content(value):
            return True
        return self.bounds.non_negative(add(value, -1)) or self.bounds.non_negative(add(-value, -1))

    def prove(self, relation: Relation, value: DimLike) -> bool:
        """A proof by all means: True is certain, False means that none was found."""
        if self.prove_linear(relation, value):
            return True
        if isinstance(value, int):
            return False
        return self._prove_by_choice(relation, value, MOST_CHOICES) or self._prove_by_remainder(
            relation, value
        )

    def prove_linear(self, relation: Relation, value: DimLike) -> bool:
        """A proof without case distinctions."""
        if self.prove_fast(relation, value):
            return True
        if relation == ">=":
            return self._non_negative(value)
        opposite = multiply(value, -1)
        if relation == "==":
            return self._non_negative(value) and self._non_negative(opposite)
        return self._non_negative(add(value, -1)) or self._non_negative(add(opposite, -1))

    def _non_negative(self, value: DimLike) -> bool:
        if isinstance(value, int) and (value >= 0 or not self.facts):
            return value >= 0
        rows = rows_about(value, self.bounds, self.facts)
        denied = add(multiply(value, -1), -1)
        if isinstance(denied, Dim):
            rows.append(denied)
        return contradictory(rows)

    def _prove_by_choice(self, relation: Relation, value: Dim, depth: int) -> bool:
        """Distinguishes which argument the first `min` or `max` takes."""
        atom = _first_choice(value) if depth else None
        if atom is None:
            return False
        return all(
            self._prove_choice(relation, value, atom, argument, depth) for argument in atom.args
        )

    def _prove_choice(
        self, relation: Relation, value: Dim, atom: Atom, argument: DimLike, depth: int
    ) -> bool:
        facts: list[DimLike] = [_replace(fact, atom, argument) for fact in self.facts]
        for other in atom.args:
            gap = add(other, multiply(argument, -1))
            facts.append(gap if atom.kind == "min" else multiply(gap, -1))
        case = self._assuming(facts, self.bounds)
        chosen = _replace(value, atom, argument)
        if case is None or case.prove_linear(relation, chosen):
            return True
        return isinstance(chosen, Dim) and (
            case._prove_by_choice(relation, chosen, depth - 1)
            or case._prove_by_remainder(relation, chosen)
        )

    def _assuming(self, facts: Sequence[DimLike], bounds: Bounds) -> Prover | None:
        """A prover with these facts instead; None if one of them is plainly false."""
        if any(isinstance(fact, int) and fact < 0 for fact in facts):
            return None
        return Prover(bounds.lower, bounds.upper, [f for f in facts if isinstance(f, Dim)])

    def _prove_by_remainder(self, relation: Relation, value: Dim) -> bool:
        """Distinguishes the remainders of the symbols that stand in divisions by constants."""
        if _first_choice(value) is not None:
            return False
        moduli: dict[str, int] = {}
        _collect_moduli(value, 1, moduli)
        if not moduli or prod(moduli.values()) > MOST_CASES:
            return False
        return all(
            self._prove_case(relation, value, moduli, rests)
            for rests in product(*map(range, moduli.values()))
        )

    def _prove_case(
        self, relation: Relation, value: Dim, moduli: Mapping[str, int], rests: Sequence[int]
    ) -> bool:
        lower = dict(self.bounds.lower)
        upper = dict(self.bounds.upper)
        mapping: dict[str, DimLike] = {}
        for (name, modulus), rest in zip(moduli.items(), rests, strict=True):
            part = f"{name}//{modulus}"
            mapping[name] = add(multiply(sym(part), modulus), rest)
            lower[part] = -((rest - lower.get(name, 1)) // modulus)
            if name in upper:
                upper[part] = (upper[name] - rest) // modulus
                if upper[part] < lower[part]:
                    return True
        facts = [rewrite(fact, mapping) for fact in self.facts]
        case = self._assuming(facts, Bounds(lower, upper))
        return case is None or case.prove_linear(relation, rewrite(value, mapping))


def _holds(relation: Relation, value: int) -> bool:
    if relation == ">=":
        return value >= 0
    return (value == 0) == (relation == "==")


def _first_choice(value: Dim) -> Atom | None:
    """An innermost `min` or `max`, so that choosing an argument leaves a simpler dim."""
    for monomial in value.terms:
        for factor in monomial:
            if isinstance(factor, str):
                continue
            for argument in factor.args:
                inner = _first_choice(argument) if isinstance(argument, Dim) else None
                if inner is not None:
                    return inner
            if factor.kind in ("min", "max"):
                return factor
    return None


def _replace(value: DimLike, atom: Atom, new: DimLike) -> DimLike:
    def replace(factor: Factor) -> DimLike | None:
        return new if factor == atom else None

    return replace_factors(value, replace)


def _collect_moduli(value: Dim, scale: int, moduli: dict[str, int]) -> None:
    """The modulus by which each symbol must be split for all divisions to come out even."""
    for monomial, coefficient in value.terms.items():
        for factor in monomial:
            if isinstance(factor, str):
                step = scale // gcd(scale, coefficient) if len(monomial) == 1 else scale
                if step > 1:
                    known = moduli.get(factor, 1)
                    moduli[factor] = known * step // gcd(known, step)
                continue
            denominator = factor.args[1] if factor.kind in ("floor", "mod") else 0
            if isinstance(denominator, int) and denominator and isinstance(factor.args[0], Dim):
                _collect_moduli(factor.args[0], scale * denominator, moduli)
