"""What is known about symbols, and what follows from it.

A spec's `where` facts are the only assumptions about sizes. `Facts.decide` answers a comparison
with one of three outcomes: shown for all values, refuted by the smallest counterexample, or
neither; `Facts.remedy` says which fact would be missing. "Shown" always comes from a proof.
"""

from __future__ import annotations

from dslc.ir.dim_normal import Dim, DimTooLargeError, add, extreme, multiply
from dslc.ir.dim_values import replace_factors, sym, symbols_of
from dslc.ir.fact_rewrite import Rewriting
from dslc.ir.fact_search import GREATEST, Search, compare, constants_in, greatest_divisor, holds
from dslc.ir.proof import Prover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Literal

    from dslc.ir.dim_normal import Atom, DimLike, Factor
    from dslc.ir.proof import Relation

    Op = Literal["==", "!=", "<", "<=", ">", ">="]
    Outcome = Literal["shown", "refuted", "unknown"]

NEGATED: Mapping[str, Op] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
FEW_TRIALS = 20
FIRST_TRIALS = 150
ALL_TRIALS = 8000


class Constraint:
    """A comparison of two dims that is taken for true.

    Attributes:
        op: One of `== != < <= > >=`.
        left: The dim left of it.
        right: The dim right of it.
    """

    __slots__ = ("_gap", "_symbols", "left", "op", "right")

    def __init__(self, op: Op, left: DimLike, right: DimLike) -> None:
        self.op: Op = op
        self.left = left
        self.right = right
        self._gap: DimLike | None = None
        self._symbols: frozenset[str] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constraint) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return f"{self.left} {self.op} {self.right}"

    def __repr__(self) -> str:
        return f"Constraint({str(self)!r})"

    def _key(self) -> tuple[str, DimLike, DimLike]:
        return self.op, self.left, self.right

    def symbols(self) -> frozenset[str]:
        """The symbols on both sides."""
        if self._symbols is None:
            self._symbols = symbols_of(self.left) | symbols_of(self.right)
        return self._symbols

    def difference(self) -> DimLike:
        """The left side less the right side."""
        if self._gap is None:
            self._gap = add(self.left, multiply(self.right, -1))
        return self._gap

    def holds(self, env: Mapping[str, int]) -> bool:
        """Whether it is true for these values; false where it has no value."""
        return holds(self.op, self.left, self.right, env) is True

    def may_be_zero(self) -> str | None:
        """The symbol that this fact lets be zero: `P >= 0` says that of P."""
        value, zero = (self.left, self.right) if self.op == ">=" else (self.right, self.left)
        if self.op not in (">=", "<=") or zero != 0 or not isinstance(value, Dim):
            return None
        (monomial, coefficient), *others = value.terms.items()
        if others or coefficient != 1 or len(monomial) != 1 or not isinstance(monomial[0], str):
            return None
        return monomial[0]


class Verdict:
    """The outcome of a comparison.

    Attributes:
        kind: `shown` for all values, `refuted` by a counterexample, or `unknown`.
        counterexample: The smallest values that satisfy the facts and not the comparison.
        always_false: Whether the opposite is shown for all values.
    """

    __slots__ = ("always_false", "counterexample", "kind")

    def __init__(
        self, kind: Outcome, counterexample: dict[str, int], *, always_false: bool
    ) -> None:
        self.kind: Outcome = kind
        self.counterexample = counterexample
        self.always_false = always_false

    @property
    def shown(self) -> bool:
        """Whether it holds for all values."""
        return self.kind == "shown"

    def __repr__(self) -> str:
        return f"Verdict({self.kind!r}, {self.counterexample!r}, {self.always_false!r})"


class Facts:
    """A set of facts; every symbol is a positive integer unless a fact `P >= 0` names it alone.

    Args:
        constraints: The facts.

    Attributes:
        wanted: Every remedy given so far.
    """

    def __init__(self, constraints: Iterable[Constraint] = ()) -> None:
        self.constraints = tuple(constraints)
        self._rewriting = Rewriting(self.constraints)
        rewriting = self._rewriting
        self._prover = Prover(rewriting.lower, rewriting.upper, rewriting.polynomials)
        self._zero = {name for fact in self.constraints if (name := fact.may_be_zero())}
        self.wanted: list[Constraint] = []
        self._decided: dict[tuple[str, DimLike, DimLike], Verdict] = {}

    def decide(self, op: Op, left: DimLike, right: DimLike) -> Verdict:
        """Decides a comparison for all values that the facts allow."""
        if isinstance(left, int) and isinstance(right, int):
            true = compare(op, left, right)
            return Verdict("shown" if true else "refuted", {}, always_false=not true)
        key = (op, left, right)
        verdict = self._decided.get(key)
        if verdict is None:
            verdict = self._decided[key] = self._decide(op, left, right)
        return verdict

    def simplify(self, value: DimLike) -> DimLike:
        """The normal form under the facts, in the spec's own symbols."""
        if isinstance(value, int) or not self.constraints:
            return value
        rewritten = self._rewriting.forward(value)
        try:
            rewritten = replace_factors(rewritten, self._simplify_factor)
            return self._rewriting.backward(rewritten)
        except (ZeroDivisionError, DimTooLargeError):
            return value

    def remedy(self, op: Op, left: DimLike, right: DimLike) -> tuple[str, ...]:
        """The weakest simple facts that would make a comparison provable; empty if none do."""
        from dslc.ir.fact_remedy import remedy

        found = remedy(self, op, left, right)
        self.wanted += found
        return tuple(map(str, found))

    def contradiction(self) -> bool:
        """Whether the facts provably contradict each other."""
        return self._rewriting.impossible or self._proved(">=", -1)

    @property
    def lets_be_zero(self) -> bool:
        """Whether a fact lets some symbol be zero."""
        return bool(self._zero)

    def lower(self, name: str) -> int:
        """The least value that a symbol may have by default: 1, or 0 where a fact says so."""
        return 0 if name in self._zero else 1

    def proves(self, op: Op, left: DimLike, right: DimLike) -> bool:
        """Whether a comparison is shown, without a search for counterexamples."""
        relation, goal = _goal(op, left, right)
        goal = self._rewriting.forward(goal)
        return self._rewriting.impossible or self._proved(relation, goal)

    def search(self, left: DimLike, right: DimLike, *, far: bool = False) -> Search:
        """The search for values that satisfy the facts and matter to a comparison.

        A `far` one goes as far as a quotient needs to reach what it is compared with.
        """
        gap = add(left, multiply(right, -1))
        reach = 2 * constants_in([gap]) + 2
        if far:
            reach = max(reach * greatest_divisor([gap]), 4 * GREATEST)
        derived = self._rewriting.derived()
        return Search(symbols_of(gap), self.constraints, self.lower, derived, reach)

    def _decide(self, op: Op, left: DimLike, right: DimLike) -> Verdict:
        relation, goal = _goal(op, left, right)
        goal = self._rewriting.forward(goal)
        if self._rewriting.impossible or self._prover.prove_fast(relation, goal):
            return Verdict("shown", {}, always_false=False)
        found = self._counterexample(op, left, right, FIRST_TRIALS)
        if found is None:
            if self._proved(relation, goal):
                return Verdict("shown", {}, always_false=False)
            found = self._counterexample(op, left, right, ALL_TRIALS)
            if found is None and self._proved_beyond(op, left, right):
                return Verdict("shown", {}, always_false=False)
        false = not self._sometimes(op, left, right) and self.proves(NEGATED[op], left, right)
        kind: Outcome = "unknown" if found is None else "refuted"
        return Verdict(kind, found or {}, always_false=false)

    def _proved_beyond(self, op: Op, left: DimLike, right: DimLike) -> bool:
        """Whether what no small value of the only symbol refutes is shown for all greater ones.

        There `min` and `max` with constants are decided, which leaves less to prove.
        """
        name, tried = self.search(left, right, far=True).tried()
        if name is None or not tried:
            return False
        beyond = Constraint(">", sym(name), tried)
        return Facts([*self.constraints, beyond]).proves(op, left, right)

    def _proved(self, relation: Relation, goal: DimLike) -> bool:
        try:
            return self._prover.prove(relation, goal)
        except (ZeroDivisionError, DimTooLargeError):
            return False  # a case of the proof has no value, or is too large to look at

    def _counterexample(
        self, op: Op, left: DimLike, right: DimLike, most: int
    ) -> dict[str, int] | None:
        gap = add(left, multiply(right, -1))
        for env in self.search(left, right, far=most == ALL_TRIALS).environments(most):
            if holds(op, gap, 0, env) is False:
                return env
        return None

    def _sometimes(self, op: Op, left: DimLike, right: DimLike) -> bool:
        """Whether one of the smallest values satisfies a comparison."""
        return self._counterexample(NEGATED[op], left, right, FEW_TRIALS) is not None

    def _simplify_factor(self, factor: Factor) -> DimLike | None:
        if isinstance(factor, str) or factor.kind == "opaque":
            return None
        low, high = self._prover.bounds.of_factor(factor)
        if low is not None and low == high:
            return low
        return self._simplify_extreme(factor) if factor.kind in ("min", "max") else None

    def _simplify_extreme(self, atom: Atom) -> DimLike | None:
        """Drops the arguments of `min` or `max` that another one makes needless."""
        kept = [replace_factors(argument, self._simplify_factor) for argument in atom.args]
        for argument in list(kept):
            for other in kept:
                gap = add(argument, multiply(other, -1))
                signed = gap if atom.kind == "min" else multiply(gap, -1)
                if other is not argument and self._prover.prove_linear(">=", signed):
                    kept.remove(argument)
                    break
        return extreme("min" if atom.kind == "min" else "max", kept)


def _goal(op: Op, left: DimLike, right: DimLike) -> tuple[Relation, DimLike]:
    """A comparison as a relation between one dim and zero."""
    gap = add(left, multiply(right, -1))
    if op == "==" or op == "!=":
        return op, gap
    signed = gap if op in (">", ">=") else multiply(gap, -1)
    return ">=", signed if op in ("<=", ">=") else add(signed, -1)
