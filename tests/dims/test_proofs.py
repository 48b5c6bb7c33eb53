"""Verdicts, remedies and simplified dims against brute force, and against z3 as a second oracle."""

import itertools

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dslc.ir.dim_normal import Atom, Dim
from dslc.ir.dims import Constraint, DimLike, DimTooLargeError, Facts, sym, symbols_of
from dslc.ir.fact_search import by_sum, compare
from tests.dims.sources import SOURCES, Source, fact, value_of, values

GREATEST = 20
OPS = ("==", "!=", "<", "<=", ">", ">=")
FACTS = [
    *("H % 2 == 0", "H % 4 == 3", "H % 6 == 0", "3*H % 4 == 1", "H >= 5", "H <= 9", "H != 1"),
    *("H <= W", "H < W", "H == W", "H == 2*W + 1", "H + W >= 6", "W % H == 0", "H % W == 0"),
    *("W >= 0", "H >= 0", "H*W >= 12", "H//2 == W", "max(H, W) <= 7", "H*W % 4 == 0", "W == 4"),
]
fact_lists = st.lists(st.sampled_from(FACTS), max_size=3).map(lambda texts: list(map(fact, texts)))
slow = settings(max_examples=250, suppress_health_check=[HealthCheck.filter_too_much])


def allowed(facts: list[Constraint], *dims: DimLike, upto: int = GREATEST) -> list[dict[str, int]]:
    """All values up to a limit that satisfy the facts."""
    sides = [side for constraint in facts for side in (constraint.left, constraint.right)]
    zero = {name for constraint in facts if (name := constraint.may_be_zero())}
    found = values(*dims, *sides, upto=upto, least=0)
    return [
        env
        for env in found
        if all(value > 0 or name in zero for name, value in env.items())
        and all(constraint.holds(env) for constraint in facts)
    ]


def outcomes(op: str, left: DimLike, right: DimLike, envs: list[dict[str, int]]) -> list[bool]:
    """Whether a comparison holds, where both sides have a value."""
    pairs = [(value_of(left, env), value_of(right, env)) for env in envs]
    return [compare(op, a, b) for a, b in pairs if a is not None and b is not None]


@slow
@given(SOURCES, SOURCES, st.sampled_from(OPS), fact_lists)
def test_verdicts_against_brute_force(
    left: Source, right: Source, op: str, facts: list[Constraint]
) -> None:
    upto = 8 if len(symbols_of(left.dim) | symbols_of(right.dim)) > 2 else GREATEST
    envs = allowed(facts, left.dim, right.dim, upto=upto)
    verdict = Facts(facts).decide(op, left.dim, right.dim)
    found = outcomes(op, left.dim, right.dim, envs)
    if verdict.kind == "shown":
        assert all(found)
    if verdict.always_false:
        assert not any(found)
    if verdict.kind == "unknown" and all(len(env) <= 2 for env in envs):
        assert all(found), "a counterexample was missed"
    if verdict.kind == "refuted":
        _check_counterexample(verdict.counterexample, op, left.dim - right.dim, facts)


def _check_counterexample(
    found: dict[str, int], op: str, gap: DimLike, facts: list[Constraint]
) -> None:
    names = set(found)
    assert symbols_of(gap) <= names
    about = [constraint for constraint in facts if constraint.symbols() & names]
    assert all(constraint.symbols() <= names for constraint in about)
    assert all(constraint.holds(found) for constraint in about)
    value = value_of(gap, found)
    assert value is not None
    assert not compare(op, value, 0)
    for env in allowed(about, gap, upto=min(sum(found.values()), 10)):
        inside = value_of(gap, env)
        if inside is not None and not compare(op, inside, 0):
            order = sorted(env)
            assert (sum(found.values()), [found[name] for name in order]) <= (
                sum(env.values()),
                [env[name] for name in order],
            )


@slow
@given(SOURCES, fact_lists)
def test_simplify_keeps_values(source: Source, facts: list[Constraint]) -> None:
    known = Facts(facts)
    simple = known.simplify(source.dim)
    assert symbols_of(simple) <= symbols_of(source.dim).union(
        *(constraint.symbols() for constraint in facts)
    )
    for env in allowed(facts, source.dim, simple, upto=8):
        expected = value_of(source.dim, env)
        if expected is not None:
            assert value_of(simple, env) == expected


@settings(max_examples=60)
@given(
    st.sampled_from(["H", "H + 1", "H - 3", "H + W", "2*H"]),
    st.sampled_from([2, 3, 4, 16]),
    st.sampled_from(["=", ">", "<"]),
)
def test_remedy_mends(inner: str, divisor: int, shape: str) -> None:
    left = fact(f"{inner} >= 0").left
    question = {
        "=": ("==", left, divisor * (left // divisor)),
        ">": (">=", left // divisor, 3),
        "<": ("<=", left, 4 * divisor),
    }[shape]
    remedy = Facts().remedy(*question)
    if Facts().decide(*question).shown:
        assert remedy == ()
        return
    assert remedy
    mended = list(map(fact, remedy))
    assert Facts(mended).decide(*question).shown
    assert not Facts(mended).contradiction()
    assert all(outcomes(*question, allowed(mended, left)))


@given(fact_lists)
def test_a_contradiction_has_no_values(facts: list[Constraint]) -> None:
    if Facts(facts).contradiction():
        assert not allowed(facts, upto=40)


def _z3(value: DimLike, unknowns: dict[str, object]) -> object:
    z3 = pytest.importorskip("z3", reason="missing: z3")
    if isinstance(value, int):
        return z3.IntVal(value)
    total = z3.IntVal(0)
    for monomial, coefficient in value.terms.items():
        product = z3.IntVal(coefficient)
        for factor in monomial:
            product = product * (
                unknowns[factor] if isinstance(factor, str) else _z3_atom(factor, unknowns)
            )
        total = total + product
    return total


def _z3_atom(atom: Atom, unknowns: dict[str, object]) -> object:
    z3 = pytest.importorskip("z3", reason="missing: z3")
    args = [_z3(argument, unknowns) for argument in atom.args]
    if atom.kind == "floor":
        return args[0] / args[1]
    if atom.kind == "mod":
        return args[0] % args[1]
    result = args[0]
    for other in args[1:]:
        result = z3.If(other < result if atom.kind == "min" else other > result, other, result)
    return result


def _constant_divisors(value: DimLike) -> bool:
    return isinstance(value, int) or all(
        isinstance(factor, str)
        or (
            (factor.kind in ("min", "max") or isinstance(factor.args[1], int))
            and all(map(_constant_divisors, factor.args))
        )
        for monomial in value.terms
        for factor in monomial
    )


def linear_sources() -> list[DimLike]:
    """Sizes such as strided layers make, over one symbol."""
    size = sym("H")
    return [
        (size + shift) // divisor + extra
        for shift, divisor, extra in itertools.product((-1, 0, 2), (2, 3, 4), (0, 1))
    ] + [size, (size // 2) * 2, (size + 7) // 8 * 8, size % 3, Dim({("H",): 3})]


def test_every_linear_comparison_agrees_with_z3() -> None:
    """Sizes of one symbol over constants are decided completely: never unknown, never wrong."""
    z3 = pytest.importorskip("z3", reason="missing: z3")
    unknown = {"H": z3.Int("H")}
    solver = z3.Solver()
    solver.add(unknown["H"] >= 1)
    for left, right in itertools.combinations(linear_sources(), 2):
        for op in ("==", "<=", "<"):
            verdict = Facts().decide(op, left, right)
            first, second = _z3(left, unknown), _z3(right, unknown)
            claim = {"==": first == second, "<=": first <= second, "<": first < second}[op]
            solver.push()
            solver.add(z3.Not(claim))
            expected = "shown" if solver.check() == z3.unsat else "refuted"
            solver.pop()
            assert verdict.kind == expected, f"{left} {op} {right}"


@settings(max_examples=80, suppress_health_check=[HealthCheck.filter_too_much])
@given(SOURCES, SOURCES, st.sampled_from(["H % 4 == 0", "H <= W", "H >= 9"]))
def test_what_is_shown_has_no_counterexample_for_z3(
    left: Source, right: Source, given_fact: str
) -> None:
    z3 = pytest.importorskip("z3", reason="missing: z3")
    known = fact(given_fact)
    assume(_constant_divisors(left.dim) and _constant_divisors(right.dim))
    verdict = Facts([known]).decide("<=", left.dim, right.dim)
    assume(verdict.kind == "shown")
    unknowns = {name: z3.Int(name) for name in ("H", "W", "s")}
    solver = z3.Solver()
    solver.set("timeout", 500)
    solver.add(*(unknown >= 1 for unknown in unknowns.values()))
    sides = _z3(known.left, unknowns), _z3(known.right, unknowns)
    solver.add({"==": sides[0] == sides[1], "<=": sides[0] <= sides[1]}.get(
        known.op, sides[0] >= sides[1]))  # fmt: skip
    solver.add(_z3(left.dim, unknowns) > _z3(right.dim, unknowns))
    assert solver.check() != z3.sat


def test_deciding_is_bounded() -> None:
    """Hostile questions end, whatever the answer."""

    def nest() -> None:
        size: DimLike = sym("H")
        for step in range(2, 300):
            size = (size * 3 + sym("W")) // (step % 7 + 2)
            Facts().decide("==", size, sym("W"))

    with pytest.raises(DimTooLargeError):
        nest()


def test_a_search_over_values_far_apart_is_short() -> None:
    """What no value of a sum can reach is not looked for."""
    far = Facts([fact("T % 532 == 0")])
    assert far.decide("!=", sym("W"), sym("H") + sym("T") + 4).kind == "unknown"
    found = far.search(sym("W") + sym("H") + sym("T"), 0).environments(3)
    assert [env["T"] for env in found] == [532, 532, 532]


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=5, unique=True), max_size=3))
def test_sums_rise(domains: list[list[int]]) -> None:
    ordered = [sorted(domain) for domain in domains]
    every = sorted(itertools.product(*ordered), key=lambda row: (sum(row), row))
    assert list(by_sum(ordered, 200)) == every[:200]
