"""Least and greatest values of dims, from the bounds of their symbols.

This is the short path of proofs: most comparisons of a real network end here.
"""

from __future__ import annotations

from dslc.ir.dim_normal import Atom

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.ir.dim_normal import DimLike, Factor, Monomial

    Bound = int | None
    Interval = tuple[Bound, Bound]

MOST_EXPANDED = 6


class Bounds:
    """Bounds of symbols and, through them, of atoms and dims; None is unbounded.

    Args:
        lower: Least values of symbols; 1 for those not named, as a size is positive.
        upper: Greatest values of symbols, where there are any.
    """

    def __init__(self, lower: Mapping[str, int], upper: Mapping[str, int]) -> None:
        self.lower = lower
        self.upper = upper
        self._atoms: dict[Atom, Interval] = {}

    def of_factor(self, factor: Factor) -> Interval:
        """The interval of a symbol or atom."""
        if isinstance(factor, str):
            return self.lower.get(factor, 1), self.upper.get(factor)
        interval = self._atoms.get(factor)
        if interval is None:
            interval = self._atoms[factor] = self._of_atom(factor)
        return interval

    def of(self, value: DimLike) -> Interval:
        """The interval of a dim, term by term."""
        if isinstance(value, int):
            return value, value
        low: Bound = 0
        high: Bound = 0
        for monomial, coefficient in value.terms.items():
            least, greatest = self._of_monomial(monomial)
            if coefficient < 0:
                least, greatest = greatest, least
            low = None if low is None or least is None else low + least * coefficient
            high = None if high is None or greatest is None else high + greatest * coefficient
        return low, high

    def non_negative(self, value: DimLike) -> bool:
        """Whether a dim is seen to be at least zero, without any case distinction."""
        low = self.of(value)[0]
        if low is not None and low >= 0:
            return True
        if isinstance(value, int) or all(len(monomial) < 2 for monomial in value.terms):
            return False
        return self._non_negative_above_lower(value.terms)

    def _of_monomial(self, monomial: Monomial) -> Interval:
        low = 1
        high: Bound = 1
        for factor in monomial:
            least, greatest = self.of_factor(factor)
            if least is None or least < 0:
                return (least, greatest) if len(monomial) == 1 else (None, None)
            low *= least
            high = None if high is None or greatest is None else high * greatest
        return low, high

    def _non_negative_above_lower(self, terms: Mapping[Monomial, int]) -> bool:
        """Writes every factor as its least value plus a rest and looks at the coefficients."""
        expanded: dict[tuple[Factor, ...], int] = {}
        for monomial, coefficient in terms.items():
            if len(monomial) > MOST_EXPANDED:
                return False
            partial: dict[tuple[Factor, ...], int] = {(): coefficient}
            for factor in monomial:
                least = self.of_factor(factor)[0]
                if least is None:
                    return False
                grown: dict[tuple[Factor, ...], int] = {}
                for rest, value in partial.items():
                    grown[rest] = grown.get(rest, 0) + value * least
                    grown[(*rest, factor)] = grown.get((*rest, factor), 0) + value
                partial = grown
            for rest, value in partial.items():
                expanded[rest] = expanded.get(rest, 0) + value
        return all(value >= 0 for value in expanded.values())

    def _of_atom(self, atom: Atom) -> Interval:
        if atom.kind == "opaque":
            return None, None
        intervals = [self.of(argument) for argument in atom.args]
        if atom.kind == "floor":
            return _floor_interval(*intervals)
        if atom.kind == "mod":
            return _mod_interval(*intervals)
        lows = [low for low, _ in intervals]
        highs = [high for _, high in intervals]
        if atom.kind == "min":
            return min(_all_known(lows), default=None), min(_known(highs), default=None)
        return max(_known(lows), default=None), max(_all_known(highs), default=None)


def _known(bounds: Sequence[Bound]) -> list[int]:
    return [bound for bound in bounds if bound is not None]


def _all_known(bounds: Sequence[Bound]) -> list[int]:
    """The bounds if there is one of each argument, else none at all."""
    known = _known(bounds)
    return known if len(known) == len(bounds) else []


def _floor_interval(numerator: Interval, denominator: Interval) -> Interval:
    least, most = denominator
    low, high = numerator
    if least is None or least < 1:
        return None, None
    if low is not None:
        low = low // least if low < 0 else (0 if most is None else low // most)
    if high is not None:
        high = high // least if high >= 0 else (-1 if most is None else high // most)
    return low, high


def _mod_interval(numerator: Interval, denominator: Interval) -> Interval:
    least, most = denominator
    low, high = numerator
    if least is None or least < 1:
        return None, None
    greatest = None if most is None else most - 1
    if low is not None and low >= 0 and high is not None:
        greatest = high if greatest is None else min(greatest, high)
    return 0, greatest
