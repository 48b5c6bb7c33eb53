"""Facts as rewriting: what an equality says of a symbol is put in its place.

`H % 32 == 0` makes H stand for 32 times a new symbol, so that the normal form sees every
division of H; `C == 4*planes` puts `4*planes` for C. The rest of the facts become bounds of single
symbols and polynomials that are not negative.
"""

from __future__ import annotations

from math import gcd

from dslc.ir.dim_division import floor_div, monomial_quotient
from dslc.ir.dim_normal import (
    Atom,
    Dim,
    DimTooLargeError,
    add,
    content,
    from_terms,
    lone_factor,
    multiply,
)
from dslc.ir.dim_values import apply, replace_factors, rewrite, sym, symbols_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dim_normal import DimLike, Factor, Monomial
    from dslc.ir.facts import Constraint

MOST_MODULUS = 65_536
MOST_TRIED = 4096


class Part:
    """A new symbol: `symbol == factor * name + rest`, with a whole-number or symbolic factor."""

    __slots__ = ("factor", "name", "rest", "symbol")

    def __init__(self, name: str, symbol: str, factor: DimLike, rest: int) -> None:
        self.name = name
        self.symbol = symbol
        self.factor = factor
        self.rest = rest


class Rewriting:
    """Compiled facts.

    Attributes:
        mapping: What stands for a symbol.
        lower: Least values of symbols, after rewriting; 1 where none is given.
        upper: Greatest values.
        polynomials: Further dims that are not negative.
        impossible: Whether the facts were seen to contradict each other.
    """

    def __init__(self, constraints: Sequence[Constraint]) -> None:
        self.mapping: dict[str, DimLike] = {}
        self.lower: dict[str, int] = {}
        self.upper: dict[str, int] = {}
        self.polynomials: list[Dim] = []
        self.impossible = False
        self._parts: list[Part] = []
        try:
            self._take(constraints)
        except ZeroDivisionError:
            self.impossible = True  # a fact without a value is not satisfied

    def forward(self, value: DimLike) -> DimLike:
        """The dim with symbols replaced by what the facts say they are.

        A dim that the facts leave without a value, as they make a divisor zero, stays as it is.
        """
        try:
            return rewrite(value, self.mapping) if self.mapping else value
        except (ZeroDivisionError, DimTooLargeError):
            return value

    def backward(self, value: DimLike) -> DimLike:
        """The dim without the new symbols."""
        for part in reversed(self._parts):
            value = _without_part(value, part)
        return value

    def derived(self) -> dict[str, DimLike]:
        """The symbols that the facts define by others, which stay free."""
        new = {part.name for part in self._parts}
        split = {part.symbol for part in self._parts}
        return {
            name: value
            for name, value in self.mapping.items()
            if name not in split and name not in new and symbols_of(value).isdisjoint(new)
        }

    def _take(self, constraints: Sequence[Constraint]) -> None:
        equalities: list[DimLike] = []
        others: list[tuple[str, DimLike]] = []
        for constraint in constraints:
            zero = constraint.may_be_zero()
            if zero is not None:
                self.lower[zero] = 0
            elif constraint.op == "==":
                equalities.append(constraint.difference())
            else:
                others.append((constraint.op, constraint.difference()))
        for _ in range(len(equalities) + 1):
            left = [gap for gap in equalities if not self._solve(self.forward(gap))]
            if len(left) == len(equalities):
                break
            equalities = left
        for gap in equalities:
            self._take_non_negative(self.forward(gap))
            self._take_non_negative(multiply(self.forward(gap), -1))
        unequal = [gap for op, gap in others if op == "!="]
        for op, gap in others:
            if op != "!=":
                below = op.startswith("<")
                signed = multiply(gap, -1) if below else gap
                self._take_non_negative(self.forward(add(signed, 0 if op.endswith("=") else -1)))
        for gap in unequal:
            self._take_unequal(self.forward(gap))
        self.impossible |= any(self.lower.get(name, 1) > high for name, high in self.upper.items())

    def _solve(self, gap: DimLike) -> bool:
        """Takes an equality to zero as a rewriting, if it has a form for that."""
        if isinstance(gap, int):
            self.impossible |= gap != 0
            return True
        divisor = content(gap)
        if gap.terms.get((), 0) % divisor:
            self.impossible = True
            return True
        if divisor > 1:
            gap = Dim({m: value // divisor for m, value in gap.terms.items()})
        return self._solve_remainder(gap) or self._solve_symbol(gap)

    def _solve_remainder(self, gap: Dim) -> bool:
        found = _as_remainder(gap)
        if found is None:
            return False
        numerator, denominator, rest = found
        if not isinstance(denominator, int):
            return rest == 0 and self._solve_multiple(numerator, denominator)
        if not 0 <= rest < denominator:
            self.impossible = True
            return True
        if denominator > MOST_MODULUS or len(numerator.symbols()) != 1:
            return False
        (name,) = numerator.symbols()
        slope = numerator.terms.get((name,), 0)
        constant = numerator.terms.get((), 0)
        if add(multiply(sym(name), slope), constant) != numerator:
            return False
        step = denominator // gcd(denominator, slope)
        first = _first_solution(slope, constant - rest, denominator, step)
        if first is None:
            self.impossible = True
        else:
            self._split(name, step, first)
        return True

    def _solve_multiple(self, numerator: Dim, denominator: Dim) -> bool:
        name = lone_factor(numerator)
        if not isinstance(name, str) or name in denominator.symbols():
            return False
        self._split(name, denominator, 0)
        return True

    def _split(self, name: str, factor: DimLike, rest: int) -> None:
        part = Part(f"{name}//({factor})", name, factor, rest)
        low = self.lower.get(name, 1)
        if isinstance(factor, int):
            self.lower[part.name] = -((rest - low) // factor)
        else:
            self.lower[part.name] = min(low, 1)
        self._parts.append(part)
        self._replace(name, add(multiply(sym(part.name), factor), rest))

    def _solve_symbol(self, gap: Dim) -> bool:
        """Puts the rest of the equality for a symbol that stands in it alone."""
        candidates = sorted(
            (
                monomial[0]
                for monomial, value in gap.terms.items()
                if len(monomial) == 1 and abs(value) == 1 and isinstance(monomial[0], str)
            ),
            reverse=True,
        )
        for name in candidates:
            rest = add(gap, multiply(sym(name), -gap.terms[(name,)]))
            value = multiply(rest, -gap.terms[(name,)])
            if not isinstance(value, Dim) or name not in value.symbols():
                self._replace(name, value)
                self._take_non_negative(add(value, -self.lower.get(name, 1)))
                return True
        return False

    def _replace(self, name: str, value: DimLike) -> None:
        self.mapping = {old: rewrite(new, {name: value}) for old, new in self.mapping.items()}
        self.mapping[name] = value
        waiting = self.polynomials
        self.polynomials = []
        for polynomial in waiting:
            self._take_non_negative(rewrite(polynomial, {name: value}))
        if name in self.upper or self.lower.get(name, 1) > 1:
            self._take_non_negative(add(value, -self.lower.get(name, 1)))
        if name in self.upper:
            self._take_non_negative(add(self.upper.pop(name), multiply(value, -1)))

    def _take_non_negative(self, value: DimLike) -> None:
        if isinstance(value, int):
            self.impossible |= value < 0
            return
        line = _as_line(value)
        if line is None:
            self.polynomials.append(value)
            return
        name, slope, constant = line
        if slope > 0:
            self.lower[name] = max(self.lower.get(name, 1), -(constant // slope))
        else:
            self.upper[name] = min(self.upper.get(name, constant // -slope), constant // -slope)

    def _take_unequal(self, gap: DimLike) -> None:
        """An inequality helps where it takes the least or greatest value away."""
        if isinstance(gap, int):
            self.impossible |= gap == 0
            return
        line = _as_line(gap)
        if line is None:
            return
        name, slope, constant = line
        value, rest = divmod(-constant, slope)
        if rest == 0 and value == self.lower.get(name, 1):
            self.lower[name] = value + 1
        elif rest == 0 and value == self.upper.get(name):
            self.upper[name] = value - 1


def _as_line(value: Dim) -> tuple[str, int, int] | None:
    """Symbol, slope and constant of a linear dim in one symbol."""
    constant = value.terms.get((), 0)
    (monomial, slope), *others = ((m, c) for m, c in value.terms.items() if m)
    if others or len(monomial) != 1 or not isinstance(monomial[0], str):
        return None
    return monomial[0], slope, constant


def _as_remainder(gap: Dim) -> tuple[Dim, DimLike, int] | None:
    """Numerator, denominator and remainder, if a dim that is zero says that."""
    for monomial, coefficient in gap.terms.items():
        atom = monomial[0] if len(monomial) == 1 else None
        if not isinstance(atom, Atom) or not atom.args or not isinstance(atom.args[0], Dim):
            continue
        numerator, denominator = atom.args[0], atom.args[-1]
        rest = add(gap, multiply(Dim({monomial: 1}), -coefficient))
        if atom.kind == "mod" and abs(coefficient) == 1 and isinstance(rest, int):
            return numerator, denominator, -rest * coefficient
        if (
            atom.kind == "floor"
            and isinstance(denominator, int)
            and denominator == abs(coefficient)
        ):
            sign = 1 if coefficient > 0 else -1
            left_over = add(multiply(rest, sign), numerator)
            if isinstance(left_over, int):
                return numerator, denominator, left_over
    return None


def _first_solution(slope: int, constant: int, modulus: int, step: int) -> int | None:
    """The least x with `slope*x + constant` divisible by the modulus."""
    if slope % modulus == 1 or slope == 1:
        return -constant % step
    return next(
        (x for x in range(min(step, MOST_MODULUS)) if (slope * x + constant) % modulus == 0), None
    )


def _without_part(value: DimLike, part: Part) -> DimLike:
    """Puts the old symbol back: what is a multiple of the factor becomes the symbol itself."""
    if isinstance(value, int) or part.name not in value.symbols():
        return value
    result: DimLike = 0
    for monomial, coefficient in value.terms.items():
        result = add(result, _term_without_part(monomial, coefficient, part))
    return result


def _term_without_part(monomial: Monomial, coefficient: int, part: Part) -> DimLike:
    whole = add(sym(part.symbol), -part.rest)
    others: Monomial = tuple(factor for factor in monomial if factor != part.name)
    result: DimLike = 1
    for _ in range(len(monomial) - len(others)):
        if isinstance(part.factor, int):
            shared = gcd(coefficient, part.factor)
            coefficient //= shared
            result = multiply(result, floor_div(whole, part.factor // shared))
            continue
        divided = _divided(others, coefficient, part.factor)
        if divided is None:
            result = multiply(result, floor_div(whole, part.factor))
        else:
            others, coefficient = divided
            result = multiply(result, whole)

    def inside(factor: Factor) -> DimLike | None:
        if isinstance(factor, str) or not factor.args:
            return None
        return apply(factor.kind, [_without_part(argument, part) for argument in factor.args])

    rest = replace_factors(from_terms({others: coefficient}), inside)
    return multiply(rest, result)


def _divided(monomial: Monomial, coefficient: int, divisor: Dim) -> tuple[Monomial, int] | None:
    """A term divided by a divisor of one term, where that leaves nothing."""
    if len(divisor.terms) != 1:
        return None
    ((factors, value),) = divisor.terms.items()
    quotient = monomial_quotient(monomial, factors)
    return None if quotient is None or coefficient % value else (quotient, coefficient // value)
