"""The inequalities that linear reasoning about a dim may use.

Each symbol and atom in sight gives its bounds; each division its two inequalities; each pair of
divisions by the same number their distance; each product of two factors the products of what is
known about them.
"""

from __future__ import annotations

from dslc.ir.dim_division import floor_div, monomial_quotient
from dslc.ir.dim_normal import Atom, Dim, add, factors_of, multiply, single

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dslc.ir.dim_normal import DimLike, Factor, Monomial
    from dslc.ir.proof_bounds import Bounds

MOST_ROWS = 120
MOST_FACTS = 24


def rows_about(value: DimLike, bounds: Bounds, facts: Sequence[Dim]) -> list[Dim]:
    """Polynomials that are non-negative and may matter for a dim."""
    relevant = _relevant(value, facts)
    factors = factors_of([value, *relevant])
    atoms = [factor for factor in factors if isinstance(factor, Atom)]
    relations = [row for atom in atoms for row in _atom_rows(atom, bounds)]
    relations += list(_division_pairs(atoms, bounds))
    factors = factors_of([value, *relevant, *relations])
    linear = [row for factor in factors for row in _bound_rows(factor, bounds)]
    rows = [row for row in [*relevant, *relations, *linear] if isinstance(row, Dim)]
    rows += _products(value, rows, bounds)
    return list(dict.fromkeys(rows))[:MOST_ROWS]


def _relevant(value: DimLike, facts: Sequence[Dim]) -> list[Dim]:
    """The facts that share symbols with a dim, directly or through each other."""
    if isinstance(value, int):
        return list(facts[:MOST_FACTS])
    names = set(value.symbols())
    found: list[Dim] = []
    waiting = list(facts)
    changed = True
    while changed:
        changed = False
        for fact in list(waiting):
            if fact.symbols() & names or not fact.symbols():
                names |= fact.symbols()
                found.append(fact)
                waiting.remove(fact)
                changed = True
    return found[:MOST_FACTS]


def _bound_rows(factor: Factor, bounds: Bounds) -> Iterator[DimLike]:
    low, high = bounds.of_factor(factor)
    if low is not None:
        yield add(single(factor), -low)
    if high is not None:
        yield add(-single(factor), high)


def _atom_rows(atom: Atom, bounds: Bounds) -> Iterator[DimLike]:
    this = single(atom)
    if atom.kind in ("min", "max"):
        for argument in atom.args:
            gap = add(argument, -this)
            yield gap if atom.kind == "min" else multiply(gap, -1)
    elif atom.kind in ("floor", "mod"):
        numerator, denominator = atom.args
        least = bounds.of(denominator)[0]
        if least is None or least < 1:
            return
        quotient = this if atom.kind == "floor" else floor_div(numerator, denominator)
        rest = add(numerator, multiply(multiply(quotient, denominator), -1))
        yield rest
        yield add(add(denominator, -1), multiply(rest, -1))
        if atom.kind == "mod":
            yield add(rest, -this)
            yield add(this, multiply(rest, -1))
            yield add(add(denominator, -1), -this)


def _division_pairs(atoms: Sequence[Atom], bounds: Bounds) -> Iterator[DimLike]:
    """`a//n - b//n` is at least `(a - b)//n`, so at least its lower bound."""
    divisions = [atom for atom in atoms if atom.kind == "floor"][:8]
    for first in divisions:
        for second in divisions:
            if first is second or first.args[1] != second.args[1]:
                continue
            gap = bounds.of(add(first.args[0], multiply(second.args[0], -1)))[0]
            divisor = bounds.of(first.args[1])
            if gap is None or divisor[0] is None or divisor[0] < 1:
                continue
            if gap >= 0:
                least = gap // divisor[1] if divisor[1] is not None else 0
            else:
                least = gap // divisor[0]
            yield add(add(single(first), -single(second)), -least)


def _products(value: DimLike, rows: Sequence[Dim], bounds: Bounds) -> list[Dim]:
    """Rows times factors, where that gives a product that is in sight."""
    wanted: dict[Monomial, None] = {}
    for dim in (value, *rows):
        if isinstance(dim, Dim):
            wanted.update((m, None) for m in dim.terms if 2 <= len(m) <= 4)
    found: dict[Dim, None] = {}
    for monomial in list(wanted)[:12]:
        for factor in dict.fromkeys(monomial):
            low = bounds.of_factor(factor)[0]
            rest = monomial_quotient(monomial, (factor,))
            if low is None or rest is None:
                continue
            above = add(single(factor), -low)
            for row in rows:
                if rest in row.terms and len(found) < MOST_ROWS // 2:
                    result = multiply(above, row)
                    if isinstance(result, Dim):
                        found[result] = None
    return list(found)
