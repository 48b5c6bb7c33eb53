"""Floor division and remainder of dims in normal form.

Both take out of the numerator what divides evenly, bring coefficients into a fixed range, cancel
common factors and merge nested divisions by constants. That is what makes a chain of strided
convolutions one division.
"""

from __future__ import annotations

from math import gcd

from dslc.ir.dim_normal import (
    Atom,
    Dim,
    DimLike,
    Factor,
    Monomial,
    add,
    content,
    from_terms,
    leading,
    multiply,
    single,
)


def floor_div(numerator: DimLike, denominator: DimLike) -> DimLike:
    """`numerator // denominator` in normal form.

    Raises:
        ZeroDivisionError: If the denominator is the constant zero.
    """
    if not isinstance(denominator, int):
        return _floor_by_dim(numerator, denominator)
    if isinstance(numerator, int):
        return numerator // denominator
    if denominator < 0:
        return floor_div(-numerator, -denominator)
    if denominator == 0:
        raise ZeroDivisionError("division of a size by zero")
    return numerator if denominator == 1 else _floor_by_constant(numerator, denominator)


def modulo(numerator: DimLike, denominator: DimLike) -> DimLike:
    """`numerator % denominator` in normal form, with the sign of the denominator as in Python.

    Raises:
        ZeroDivisionError: If the denominator is the constant zero.
    """
    if not isinstance(denominator, int):
        return _modulo_by_dim(numerator, denominator)
    if isinstance(numerator, int):
        return numerator % denominator
    if denominator < 0:
        return multiply(modulo(-numerator, -denominator), -1)
    if denominator == 0:
        raise ZeroDivisionError("remainder of a size by zero")
    return 0 if denominator == 1 else _modulo_by_constant(numerator, denominator)


def _floor_by_constant(numerator: Dim, denominator: int) -> DimLike:
    lead = _uneven_lead(numerator, denominator)
    if lead is None:
        return from_terms(_kept({m: c // denominator for m, c in numerator.terms.items()}))
    if numerator.terms[lead] < 0:
        return multiply(floor_div(add(-numerator, denominator - 1), denominator), -1)
    outside, inside = _split(numerator, denominator, lead)
    divisor = gcd(denominator, content(inside))
    if divisor > 1:
        terms = {m: c // divisor for m, c in inside.terms.items()}
        inside, denominator = Dim(_kept(terms)), denominator // divisor
    nested = _nested_floor(inside)
    if nested is not None:
        top, bottom = nested.args
        assert isinstance(bottom, int)
        rest = add(inside, -single(nested))
        merged = floor_div(add(top, multiply(rest, bottom)), bottom * denominator)
        return add(outside, merged)
    if _below(inside, denominator):
        return outside
    return add(outside, single(Atom("floor", (inside, denominator))))


def _modulo_by_constant(numerator: Dim, denominator: int) -> DimLike:
    numerator_or_constant = _without_remainders(numerator, denominator)
    if isinstance(numerator_or_constant, int):
        return numerator_or_constant % denominator
    numerator = numerator_or_constant
    lead = _uneven_lead(numerator, denominator)
    if lead is None:
        return numerator.terms.get((), 0) % denominator
    _, inside = _split(numerator, denominator, lead)
    divisor = gcd(denominator, content(inside))
    if divisor > 1:
        left_over = inside.terms.get((), 0) % divisor
        terms = {m: c // divisor for m, c in inside.terms.items()}
        reduced = modulo(Dim(_kept(terms)), denominator // divisor)
        return add(multiply(reduced, divisor), left_over)
    if _below(inside, denominator):
        return inside
    return single(Atom("mod", (inside, denominator)))


def _kept(terms: dict[Monomial, int]) -> dict[Monomial, int]:
    return {monomial: coefficient for monomial, coefficient in terms.items() if coefficient}


def _uneven_lead(dim: Dim, denominator: int) -> Monomial | None:
    """The first monomial, other than the constant, whose coefficient does not divide evenly."""
    uneven = [m for m, coefficient in dim.terms.items() if m and coefficient % denominator]
    if len(uneven) < 2:
        return uneven[0] if uneven else None
    return leading(uneven)


def _split(dim: Dim, denominator: int, lead: Monomial) -> tuple[DimLike, Dim]:
    """Quotient and remainder by coefficient, so that dim = quotient * denominator + remainder.

    The coefficients of the remainder's lead and constant are in [0, denominator), the others are
    balanced around zero, so that differences stay differences.
    """
    outside: dict[Monomial, int] = {}
    inside: dict[Monomial, int] = {}
    for monomial, coefficient in dim.terms.items():
        quotient, rest = divmod(coefficient, denominator)
        if monomial and monomial != lead and 2 * rest > denominator:
            quotient, rest = quotient + 1, rest - denominator
        if quotient:
            outside[monomial] = quotient
        if rest:
            inside[monomial] = rest
    return from_terms(outside), Dim(inside)


def _nested_floor(dim: Dim) -> Atom | None:
    """The only floor division by a constant in a sum, if it stands there alone and once."""
    found: Atom | None = None
    for monomial, coefficient in dim.terms.items():
        for factor in monomial:
            if isinstance(factor, str) or factor.kind != "floor":
                continue
            if found is not None or coefficient != 1 or len(monomial) != 1:
                return None
            found = factor
    return found if found is not None and isinstance(found.args[1], int) else None


def _remainder(monomial: Monomial) -> tuple[DimLike, int] | None:
    """Numerator and modulus, if a monomial is one remainder by a constant."""
    if len(monomial) != 1 or isinstance(monomial[0], str) or monomial[0].kind != "mod":
        return None
    numerator, modulus = monomial[0].args
    return (numerator, modulus) if isinstance(modulus, int) else None


def _below(dim: Dim, limit: int) -> bool:
    """Whether a sum of remainders is seen to lie in [0, limit)."""
    greatest = 0
    for monomial, coefficient in dim.terms.items():
        if not monomial:
            greatest += coefficient
            continue
        remainder = _remainder(monomial)
        if remainder is None or coefficient < 0:
            return False
        greatest += coefficient * (remainder[1] - 1)
    return greatest < limit


def _without_remainders(dim: Dim, denominator: int) -> DimLike:
    """Writes `x % m` as `x` where only the value modulo a divisor of m matters."""
    result: DimLike = dim
    for monomial, coefficient in dim.terms.items():
        remainder = _remainder(monomial)
        if remainder is not None and coefficient * remainder[1] % denominator == 0:
            change = add(remainder[0], -Dim({monomial: 1}))
            result = add(result, multiply(change, coefficient))
    return result


def _floor_by_dim(numerator: DimLike, denominator: Dim) -> DimLike:
    if numerator == 0:
        return 0
    if denominator.terms[leading(denominator.terms)] < 0:
        return _floor_by_dim(multiply(numerator, -1), -denominator)
    outside, inside = divide_by_dim(numerator, denominator)
    if inside == 0:
        return outside
    top, bottom, divisor = _without_common_factor(inside, denominator)
    if isinstance(bottom, int) or divisor != 1:  # less is left, which may simplify further
        return add(outside, floor_div(top, bottom))
    return add(outside, single(Atom("floor", (top, bottom))))


def _modulo_by_dim(numerator: DimLike, denominator: Dim) -> DimLike:
    if numerator == 0:
        return 0
    if denominator.terms[leading(denominator.terms)] < 0:
        return multiply(_modulo_by_dim(multiply(numerator, -1), -denominator), -1)
    _, inside = divide_by_dim(numerator, denominator)
    if inside == 0:
        return 0
    top, bottom, divisor = _without_common_factor(inside, denominator)
    if isinstance(bottom, int) or divisor != 1:  # less is left, which may simplify further
        return multiply(modulo(top, bottom), divisor)
    return single(Atom("mod", (top, bottom)))


def divide_by_dim(numerator: DimLike, denominator: Dim) -> tuple[DimLike, DimLike]:
    """Polynomial division: numerator = quotient * denominator + rest.

    Where the denominator has several terms, only a division without a rest is made: any other
    choice of the quotient would be one of many.
    """
    if isinstance(numerator, int):
        return 0, numerator
    lead = leading(denominator.terms)
    quotient: DimLike = 0
    rest: DimLike = numerator
    for monomial in sorted(numerator.terms, key=len, reverse=True):
        if isinstance(rest, int):
            break
        coefficient = rest.terms.get(monomial, 0)
        cofactor = monomial_quotient(monomial, lead)
        if cofactor is None or coefficient == 0 or coefficient % denominator.terms[lead]:
            continue
        share = from_terms({cofactor: coefficient // denominator.terms[lead]})
        quotient = add(quotient, share)
        rest = add(rest, multiply(multiply(denominator, share), -1))
    if len(denominator.terms) > 1 and rest != 0:
        return 0, numerator
    return quotient, rest


def monomial_quotient(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """The monomial without the divisor's factors; None if it lacks one of them."""
    factors = list(monomial)
    for factor in divisor:
        if factor not in factors:
            return None
        factors.remove(factor)
    return tuple(factors)


def _without_common_factor(
    numerator: DimLike, denominator: Dim
) -> tuple[DimLike, DimLike, DimLike]:
    """Both divided by their greatest common factor of a number and sizes, and that factor."""
    terms = {(): numerator} if isinstance(numerator, int) else numerator.terms
    number = gcd(*terms.values(), *denominator.terms.values())
    first, *others = (*terms, *denominator.terms)
    common = list(first)
    for monomial in others:
        if not common:
            break
        left = list(monomial)
        common = [factor for factor in common if _taken(factor, left)]
    divisor = tuple(common)
    if number == 1 and not divisor:
        return numerator, denominator, 1
    top, bottom = (_exact(side, number, divisor) for side in (terms, denominator.terms))
    return top, bottom, from_terms({divisor: number})


def _taken(factor: Factor, left: list[Factor]) -> bool:
    """Whether a factor stands in a monomial, from which it is taken."""
    if factor not in left:
        return False
    left.remove(factor)
    return True


def _exact(terms: dict[Monomial, int], number: int, divisor: Monomial) -> DimLike:
    """What is left of terms that all have a factor, without it."""
    found: dict[Monomial, int] = {}
    for monomial, coefficient in terms.items():
        rest = monomial_quotient(monomial, divisor)
        assert rest is not None
        found[rest] = coefficient // number
    return from_terms(found)
