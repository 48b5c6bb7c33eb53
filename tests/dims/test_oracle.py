"""Normal forms, verdicts, simplified sizes and remedies against z3, over every form of a size."""

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dslc.ir.dims import Constraint, DimLike, Facts, ceil_div, dim_max, dim_min, sym
from tests.dims.sources import SOURCES, Source, fact
from tests.dims.test_proofs import FACTS, OPS, fact_lists

pytest.importorskip("z3", reason="missing: z3")

from tests.dims.oracle import claim, claim_of, solver_of, sometimes, term_of, term_of_text, z3

slow = settings(
    max_examples=60, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
STEPS = st.sampled_from([2, 3, 4, 7])


@st.composite
def sizes(draw: st.DrawFn, names: tuple[str, ...] = ("H", "W")) -> DimLike:
    """The size of an axis behind a few layers: strides, pools, transposed ones, windows, padding."""
    found: DimLike = sym(draw(st.sampled_from(names)))
    for _ in range(draw(st.integers(0, 3))):
        kernel, few = draw(STEPS), draw(st.integers(0, 3))
        forms: list[DimLike] = [
            (found + 2 * few - kernel) // draw(st.sampled_from([1, 2, 3])) + 1,
            ceil_div(found, kernel),
            (found - 1) * kernel + few,
            found // kernel,
            found // kernel * kernel,
            found + (-found) % kernel,
            dim_max(found - few, 1),
            dim_min(found, few + 4),
            found + found // kernel,
        ]
        found = draw(st.sampled_from(forms))
    return found


@slow
@given(SOURCES)
def test_a_normal_form_has_the_value_of_its_text(source: Source) -> None:
    different = term_of(source.dim) != term_of_text(source.text)
    assert not sometimes(solver_of([]), different)


@slow
@given(sizes(), st.one_of(sizes(), st.integers(0, 6)), st.sampled_from(OPS), fact_lists)
def test_verdicts_are_those_of_z3(
    left: DimLike, right: DimLike, op: str, facts: list[Constraint]
) -> None:
    known = Facts(facts)
    assume(not known.contradiction())
    verdict = known.decide(op, left, right)  # pyright: ignore[reportArgumentType]
    solver, asked = solver_of(facts), claim(op, term_of(left), term_of(right))
    fails = sometimes(solver, z3.Not(asked))
    if verdict.shown:
        assert not fails
    if verdict.kind == "refuted":
        assert fails is not False
        values = [z3.Int(name) == value for name, value in verdict.counterexample.items()]
        assert sometimes(solver, z3.Not(asked), *values) is not False
    if verdict.always_false:
        assert not sometimes(solver, asked)


@slow
@given(SOURCES, SOURCES, st.sampled_from(OPS), fact_lists)
def test_nothing_is_shown_that_z3_refutes(
    left: Source, right: Source, op: str, facts: list[Constraint]
) -> None:
    verdict = Facts(facts).decide(op, left.dim, right.dim)  # pyright: ignore[reportArgumentType]
    assume(verdict.shown or verdict.always_false)
    asked = claim(op, term_of_text(left.text), term_of_text(right.text))
    has_value = [z3.Int("s") >= 1]
    wrong = z3.Not(asked) if verdict.shown else asked
    assert not sometimes(solver_of(facts), wrong, *has_value)


@slow
@given(sizes(), fact_lists)
def test_a_simplified_size_is_the_same(size: DimLike, facts: list[Constraint]) -> None:
    simple = Facts(facts).simplify(size)
    assert not sometimes(solver_of(facts), term_of(simple) != term_of(size))


@slow
@given(sizes(), st.one_of(sizes(), st.integers(1, 6)), st.sampled_from(OPS), fact_lists)
def test_a_remedy_is_enough_and_possible(
    left: DimLike, right: DimLike, op: str, facts: list[Constraint]
) -> None:
    known = Facts(facts)
    assume(not known.contradiction())
    found = list(map(fact, known.remedy(op, left, right)))  # pyright: ignore[reportArgumentType]
    assume(found)
    solver, asked = solver_of(facts), claim(op, term_of(left), term_of(right))
    wanted = list(map(claim_of, found))
    assert sometimes(solver, *wanted) is not False
    assert not sometimes(solver, z3.Not(asked), *wanted)


@slow
@given(sizes(("H",)), st.integers(2, 8))
def test_a_size_that_must_divide_asks_for_the_least_multiple(size: DimLike, divisor: int) -> None:
    assume(not isinstance(size, int))
    found = Facts().remedy("==", size % divisor, 0)
    assume(len(found) == 1 and found[0].startswith("H % ") and found[0].endswith(" == 0"))
    multiple = int(found[0].split()[2])
    divides = term_of(size % divisor) == 0
    for less in range(1, multiple):
        if multiple % less == 0:
            weaker = term_of(sym("H") % less) == 0
            assert sometimes(solver_of([]), weaker, z3.Not(divides)) is not False


@slow
@given(st.lists(st.sampled_from(FACTS), min_size=1, max_size=4).map(lambda t: list(map(fact, t))))
def test_a_contradiction_is_one_for_z3(facts: list[Constraint]) -> None:
    if Facts(facts).contradiction():
        assert not sometimes(solver_of(facts))


def linear_sizes() -> list[DimLike]:
    """Sizes over one symbol, with pools that round up, transposed layers, bounds and remainders."""
    size = sym("H")
    strided = [(size + shift) // k + 1 for shift, k in ((-1, 2), (1, 2), (-3, 4), (2, 3))]
    return [
        *(size, *strided, 2 * size - 1, 3 * (size // 3), size + (-size) % 4),
        *(ceil_div(size, 3), dim_max(size - 3, 1), dim_min(size, 6), size % 5 + 1, 4),
    ]


@pytest.mark.parametrize("given_facts", [(), ("H % 4 == 0",), ("H % 6 == 1",), ("H >= 9",)])
@pytest.mark.parametrize("op", ["==", "<=", ">"])
def test_sizes_of_one_symbol_are_decided_as_by_z3(given_facts: tuple[str, ...], op: Any) -> None:
    """Linear sizes over constants are decided completely under facts too: never unknown."""
    facts = list(map(fact, given_facts))
    known, solver = Facts(facts), solver_of(facts)
    for left in linear_sizes():
        for right in linear_sizes():
            fails = sometimes(solver, z3.Not(claim(op, term_of(left), term_of(right))))
            expected = "refuted" if fails else "shown"
            assert known.decide(op, left, right).kind == expected, f"{left} {op} {right}"
