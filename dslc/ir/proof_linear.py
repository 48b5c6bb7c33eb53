"""Whether linear inequalities over integers contradict each other, by exact simplex.

This is the last step of every proof about dims. Products and atoms count as unknowns of their
own, so "linear" covers whatever rows the caller writes down. The tableau holds integers only:
each row is scaled freely by positive numbers, which neither fractions nor floats would allow at
this speed and exactness.
"""

from __future__ import annotations

from math import gcd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dim_normal import Dim

MOST_PIVOTS = 150
MOST_CELLS = 12_000


def contradictory(polynomials: Sequence[Dim]) -> bool:
    """Whether no values make all polynomials non-negative.

    True is certain: a sum of non-negative multiples of the polynomials is -1. False only means
    that none was found.
    """
    monomials = list(dict.fromkeys(m for p in polynomials for m in p.terms if m))
    if len(monomials) * len(polynomials) > MOST_CELLS:
        return False
    tableau = [[p.terms.get(m, 0) for p in polynomials] + [0] for m in monomials]
    tableau.append([-p.terms.get((), 0) for p in polynomials] + [1])
    return _feasible(tableau)


def _feasible(tableau: list[list[int]]) -> bool:
    """Phase one of the simplex method with Bland's rule: whether the equations have a solution.

    Each row reads: the sum of its entries times non-negative unknowns is its last entry, which
    is not negative. A row's missing unknown, that has to become zero, is never written down.
    """
    width = len(tableau[0]) - 1
    basis = [width + position for position in range(len(tableau))]
    artificial = [1] * len(tableau)
    for _ in range(MOST_PIVOTS):
        if all(row[-1] == 0 for row, used in zip(tableau, basis, strict=True) if used >= width):
            return True
        column = _entering(tableau, basis, artificial, width)
        if column is None:
            return False
        pivot_row = _leaving(tableau, basis, column)
        if pivot_row is None:
            return False
        _pivot(tableau, artificial, pivot_row, column)
        basis[pivot_row] = column
    return False


def _entering(
    tableau: list[list[int]], basis: list[int], scales: list[int], width: int
) -> int | None:
    """The first unknown that lowers the sum of the missing unknowns; each row has its scale."""
    rows = [
        (row, scale)
        for row, scale, used in zip(tableau, scales, basis, strict=True)
        if used >= width
    ]
    common = 1
    for _, scale in rows:
        common = common * scale // gcd(common, scale)
    weighted = [(row, common // scale) for row, scale in rows]
    for column in range(width):
        if sum(row[column] * weight for row, weight in weighted) > 0:
            return column
    return None


def _leaving(tableau: list[list[int]], basis: list[int], column: int) -> int | None:
    best: int | None = None
    for position, row in enumerate(tableau):
        if row[column] <= 0:
            continue
        if best is None:
            best = position
            continue
        order = row[-1] * tableau[best][column] - tableau[best][-1] * row[column]
        if order < 0 or (order == 0 and basis[position] < basis[best]):
            best = position
    return best


def _pivot(tableau: list[list[int]], scales: list[int], pivot_row: int, column: int) -> None:
    pivot = tableau[pivot_row]
    value = pivot[column]
    for position, row in enumerate(tableau):
        factor = row[column]
        if position == pivot_row or factor == 0:
            continue
        new = [entry * value - factor * other for entry, other in zip(row, pivot, strict=True)]
        scale = scales[position] * value
        divisor = gcd(scale, *new)
        tableau[position] = [entry // divisor for entry in new] if divisor > 1 else new
        scales[position] = scale // divisor
