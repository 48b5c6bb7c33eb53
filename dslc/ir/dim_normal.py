"""The normal form of dims: integer polynomials over symbols and a few kinds of atoms.

An axis's size is exact arithmetic over symbols. Everything that can be said as a polynomial is
one; floor division, remainder, `min`, `max` and foreign expressions are *atoms* that stand in a
polynomial like symbols. Operations normalise as they go, so that most equal sizes are equal
objects: five stride-2 convolutions give `(H + 31)//32`. What the normal form alone cannot see is
left to `dslc.ir.facts`. Constants are always plain ints, symbols inside are plain strings: both
keep the common case (a constant, a linear form) at the speed of the built-in types.
"""

from __future__ import annotations

from math import gcd

from dslc.ir.dim_text import Printer, factor_order, monomial_order

TYPE_CHECKING = False  # `typing` alone would cost half of what importing dims may take
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Literal

    Kind = Literal["floor", "mod", "min", "max", "opaque"]
    Rename = Mapping[str, str] | Callable[[str], str] | None

MOST_TERMS = 2000
MOST_FACTORS = 64
MOST_NESTING = 80
MOST_WEIGHT = 4000


class DimTooLargeError(ValueError):
    """An expression over dims is beyond any real network's size."""


class Atom:
    """A part of a dim that is no polynomial.

    Attributes:
        kind: `floor` and `mod` have the arguments numerator and denominator, `min` and `max` any
            number, `opaque` none.
        args: The arguments, in normal form.
        source: The Python text of an opaque atom.
        names: The names that an opaque atom's text refers to.
    """

    __slots__ = ("_hash", "_text", "args", "depth", "kind", "names", "source", "weight")

    def __init__(
        self,
        kind: Kind,
        args: tuple[DimLike, ...],
        source: str = "",
        names: frozenset[str] = frozenset(),
    ) -> None:
        self.kind: Kind = kind
        self.args = args
        self.source = source
        self.names = names
        self.depth, self.weight = _extent(args)
        if self.depth > MOST_NESTING or self.weight > MOST_WEIGHT:
            raise DimTooLargeError("a size is nested too deeply")
        self._hash = hash((kind, args, source))
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The canonical text, which orders atoms."""
        if self._text is None:
            self._text = Printer(None, spaced=False).atom(self)
        return self._text

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Atom)
            and self._hash == other._hash
            and self.kind == other.kind
            and self.args == other.args
            and self.source == other.source
        )

    def __repr__(self) -> str:
        return f"Atom({self.text!r})"


Factor = str | Atom
Monomial = tuple[Factor, ...]


class Dim:
    """A size that depends on symbols: an immutable polynomial in normal form, never constant.

    Attributes:
        terms: Coefficients by monomial; a monomial is a sorted tuple of factors, `()` the constant.
            Must not be changed.
    """

    __slots__ = ("_hash", "_symbols", "_text", "terms")

    def __init__(self, terms: dict[Monomial, int]) -> None:
        self.terms = terms
        self._hash: int | None = None
        self._symbols: frozenset[str] | None = None
        self._text: str | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Dim) and self.terms == other.terms

    def __str__(self) -> str:
        if self._text is None:
            self._text = Printer(None, spaced=False).dim(self)
        return self._text

    def __repr__(self) -> str:
        return f"Dim({str(self)!r})"

    def __add__(self, other: DimLike) -> DimLike:
        return add(self, other)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return Dim({monomial: -coefficient for monomial, coefficient in self.terms.items()})

    def __sub__(self, other: DimLike) -> DimLike:
        return add(self, -other)

    def __rsub__(self, other: DimLike) -> DimLike:
        return add(-self, other)

    def __mul__(self, other: DimLike) -> DimLike:
        return multiply(self, other)

    __rmul__ = __mul__

    def __floordiv__(self, other: DimLike) -> DimLike:
        from dslc.ir.dim_division import floor_div

        return floor_div(self, other)

    def __rfloordiv__(self, other: DimLike) -> DimLike:
        from dslc.ir.dim_division import floor_div

        return floor_div(other, self)

    def __mod__(self, other: DimLike) -> DimLike:
        from dslc.ir.dim_division import modulo

        return modulo(self, other)

    def __rmod__(self, other: DimLike) -> DimLike:
        from dslc.ir.dim_division import modulo

        return modulo(other, self)

    def __pow__(self, exponent: int) -> DimLike:
        if exponent < 0:
            raise ValueError("a size is raised to a non-negative power only")
        if exponent > MOST_FACTORS:
            raise DimTooLargeError(f"a power of {exponent} of a size")
        result: DimLike = 1
        for _ in range(exponent):
            result = multiply(self, result)
        return result

    def text(self, rename: Rename = None) -> str:
        """Python code for this dim, spaced as the formatter leaves it.

        Args:
            rename: The Python expression for each symbol, which is parenthesised where needed.
        """
        return Printer(rename, spaced=True).dim(self)

    def symbols(self) -> frozenset[str]:
        """The names of all symbols, also those inside atoms and opaque texts."""
        if self._symbols is None:
            names: set[str] = set()
            for monomial in self.terms:
                for factor in monomial:
                    if isinstance(factor, str):
                        names.add(factor)
                        continue
                    names |= factor.names
                    for argument in factor.args:
                        if isinstance(argument, Dim):
                            names |= argument.symbols()
            self._symbols = frozenset(names)
        return self._symbols

    def substitute(self, mapping: Mapping[str, DimLike]) -> DimLike:
        """This dim with symbols replaced, all at once, in normal form."""
        from dslc.ir.dim_values import substitute

        return substitute(self, mapping)

    def evaluate(self, env: Mapping[str, int]) -> int:
        """The value for given symbols.

        Raises:
            ValueError: If an opaque expression is in the way.
            KeyError: If a symbol has no value.
            ZeroDivisionError: If a divisor is zero for these values.
        """
        from dslc.ir.dim_values import evaluate

        return evaluate(self, env)


DimLike = int | Dim


def _extent(args: tuple[DimLike, ...]) -> tuple[int, int]:
    """The nesting of an atom with these arguments, and how many factors its text would have."""
    depth = weight = 0
    for argument in args:
        if isinstance(argument, int):
            continue
        for monomial in argument.terms:
            weight += 1
            for factor in monomial:
                if not isinstance(factor, str):
                    weight += factor.weight
                    if factor.depth > depth:
                        depth = factor.depth
    return depth + 1, weight + 1


def single(factor: Factor) -> Dim:
    """One symbol or atom as a dim."""
    return Dim({(factor,): 1})


def from_terms(terms: dict[Monomial, int]) -> DimLike:
    """A polynomial from its terms, none of them zero: an int where it is constant."""
    if not terms:
        return 0
    if len(terms) == 1 and () in terms:
        return terms[()]
    if len(terms) > MOST_TERMS:
        raise DimTooLargeError(f"a size of more than {MOST_TERMS} terms")
    return Dim(terms)


def add(left: DimLike, right: DimLike) -> DimLike:
    """The sum in normal form."""
    if isinstance(left, int):
        left, right = right, left
    if isinstance(left, int):
        return left + right
    if isinstance(right, int):
        if right == 0:
            return left
        terms = dict(left.terms)
        constant = terms.pop((), 0) + right
        if constant:
            terms[()] = constant
        return Dim(terms)
    terms = dict(left.terms)
    for monomial, coefficient in right.terms.items():
        total = terms.get(monomial, 0) + coefficient
        if total:
            terms[monomial] = total
        else:
            del terms[monomial]
    return from_terms(terms)


def multiply(left: DimLike, right: DimLike) -> DimLike:
    """The product in normal form."""
    if isinstance(left, int):
        left, right = right, left
    if isinstance(left, int):
        return left * right
    if isinstance(right, int):
        if right == 0:
            return 0
        if right == 1:
            return left
        return Dim({monomial: value * right for monomial, value in left.terms.items()})
    if len(left.terms) * len(right.terms) > MOST_TERMS:
        raise DimTooLargeError(f"a product of more than {MOST_TERMS} terms")
    terms: dict[Monomial, int] = {}
    for first, one in left.terms.items():
        for second, other in right.terms.items():
            monomial = join(first, second)
            terms[monomial] = terms.get(monomial, 0) + one * other
    return from_terms({monomial: value for monomial, value in terms.items() if value})


def join(first: Monomial, second: Monomial) -> Monomial:
    """The product of two monomials."""
    if not first or not second:
        return first or second
    if len(first) + len(second) > MOST_FACTORS:
        raise DimTooLargeError(f"a product of more than {MOST_FACTORS} sizes")
    return tuple(sorted(first + second, key=factor_order))


def leading(monomials: Iterable[Monomial]) -> Monomial:
    """The monomial that is printed first."""
    return min(monomials, key=monomial_order)


def content(dim: Dim) -> int:
    """The greatest common divisor of the coefficients, without the constant's."""
    divisor = 0
    for monomial, coefficient in dim.terms.items():
        if monomial:
            divisor = gcd(divisor, coefficient)
    return divisor


def factors_of(values: Iterable[DimLike]) -> list[Factor]:
    """All symbols and atoms of some dims, also those inside atoms, each once."""
    found: dict[Factor, None] = {}
    waiting = [value for value in values if isinstance(value, Dim)]
    while waiting:
        for monomial in waiting.pop().terms:
            for factor in monomial:
                if factor not in found:
                    found[factor] = None
                    if isinstance(factor, Atom):
                        waiting += [part for part in factor.args if isinstance(part, Dim)]
    return list(found)


def atoms_of(value: DimLike) -> list[Atom]:
    """All atoms of a dim, also those inside others."""
    return [factor for factor in factors_of([value]) if isinstance(factor, Atom)]


def extreme(kind: Literal["min", "max"], values: Iterable[DimLike]) -> DimLike:
    """`min` or `max` in normal form: flat, without duplicates, constants folded.

    Raises:
        ValueError: If there are no values.
    """
    choose = min if kind == "min" else max
    offsets: dict[DimLike, int] = {}
    for value in _flatten(kind, values):
        constant = value if isinstance(value, int) else value.terms.get((), 0)
        varying = add(value, -constant)
        offsets[varying] = choose(offsets.get(varying, constant), constant)
    args = [add(varying, constant) for varying, constant in offsets.items()]
    if not args:
        raise ValueError(f"{kind} of nothing")
    if len(args) == 1:
        return args[0]
    return single(Atom(kind, tuple(sorted(args, key=_extreme_order))))


def _flatten(kind: str, values: Iterable[DimLike]) -> Iterable[DimLike]:
    for value in values:
        factor = lone_factor(value)
        if isinstance(factor, Atom) and factor.kind == kind:
            yield from factor.args
        else:
            yield value


def lone_factor(value: DimLike) -> Factor | None:
    """The symbol or atom that a dim is, if it is just one."""
    if isinstance(value, int) or len(value.terms) != 1:
        return None
    (monomial, coefficient) = next(iter(value.terms.items()))
    return monomial[0] if coefficient == 1 and len(monomial) == 1 else None


def _extreme_order(value: DimLike) -> tuple[bool, str]:
    return isinstance(value, int), str(value)
