"""What follows from facts: the cases that specs are full of, one line each."""

import pytest

from dslc.ir.dims import Constraint, Facts, Verdict, ceil_div, opaque, sym
from tests.dims.sources import fact, small


def decide(question: str, *facts: str) -> Verdict:
    asked = fact(question)
    return Facts(map(fact, facts)).decide(asked.op, asked.left, asked.right)


SHOWN = [
    ("(H + 2*1 - 3)//2 + 1 == (H - 1)//2 + 1",),
    ("T + P == P + T",),
    ("H % 8 < 8",),
    ("H % 8 >= 0",),
    ("H >= 1",),
    ("H != 0",),
    ("min(T, 5) <= 5",),
    ("max(H, W) >= W",),
    ("min(H, W) + max(H, W) == H + W",),
    ("max(H - W, 0) + min(H, W) == H",),
    ("H//2 + (H + 1)//2 == H",),
    ("H//3 + (H + 1)//3 + (H + 2)//3 == H",),
    ("2*(H//2) + H % 2 == H",),
    ("stride*(H//stride) + H % stride == H",),
    ("H % stride < stride",),
    ("(H - 1)//stride + 1 >= 1",),
    ("(H + 2)//4 >= H//4",),
    ("(H + W)//512 >= H//512",),
    ("H*W >= H",),
    ("H*W + 1 >= H + W",),
    ("H*W*T >= T",),
    ("(H + 1)*(H - 1) + 1 == H*H",),
    ("H*H + 1 != 0",),
    ("2*H != 3",),
    ("2*(H//2) == H", "H % 2 == 0"),
    ("16*(H//16) == H", "H % 16 == 0"),
    ("16*(H//16) == H", "H % 32 == 0"),
    ("12*(H//12) == H", "H % 4 == 0", "H % 6 == 0"),
    ("2*((H + 1)//2) == H + 1", "H % 2 == 1"),
    ("(H - 5)//32*32 + 5 == H", "(H + 27) % 32 == 0"),
    ("H % 2 == 0", "32*(H//32) == H"),
    ("heads*(D//heads) == D", "D % heads == 0"),
    ("D >= heads", "D % heads == 0"),
    ("H*W % 4 == 0", "H % 2 == 0", "W % 2 == 0"),
    ("64*(H*W//64) == H*W", "H*W % 64 == 0"),
    ("T <= C + 1", "T <= C"),
    ("T + 1 <= C", "T < C"),
    ("T <= 1024", "T <= C", "C <= 1024"),
    ("T*D <= C*D", "T <= C"),
    ("T + P <= C", "P + T <= C"),
    ("T <= C", "T + P <= C", "P >= 0"),
    ("H >= 7", "H % 32 == 0"),
    ("H >= 32", "H % 32 == 0"),
    ("(H + 3)//4 >= 8", "H >= 32"),
    ("(H + 3)//4 == H//4", "H % 32 == 0"),
    ("(H - 1)//32 + 1 <= 16", "H <= 512"),
    ("C//4 == planes", "C == 4*planes"),
    ("H//2 == W//2", "H == W"),
    ("planes <= C", "C == 4*planes"),
    ("C >= 4", "C == 4*planes"),
    ("H >= 2", "H != 1"),
    ("min(T, C) == T", "T <= C"),
    ("T + P >= 1", "P >= 0"),
    ("2*H >= 4", "H > 1"),
    ("3*H == 9", "H == 3"),
    ("H + W >= 5", "H + 2*W >= 8", "W <= 3"),
]


@pytest.mark.parametrize("case", SHOWN, ids=" given ".join)
def test_shown(case: tuple[str, ...]) -> None:
    verdict = decide(*case)
    assert verdict.kind == "shown"
    assert verdict.shown
    assert not verdict.always_false
    assert verdict.counterexample == {}


def test_rounding_up_is_the_ceiling() -> None:
    half = (sym("H") + 1) // 2
    assert half == ceil_div(sym("H"), 2)
    assert Facts().decide("==", half, ceil_div(sym("H"), 2)).shown


@pytest.mark.parametrize(
    ("counterexample", "question", "facts"),
    [
        ({"H": 1}, "2*(H//2) == H", ()),
        ({"H": 1}, "16*(H//16) == H", ()),
        ({"H": 8}, "16*(H//16) == H", ("H % 8 == 0",)),
        ({"H": 33}, "(H + 1)//2 == H//2", ("H > 32",)),
        ({"C": 1, "T": 1}, "T + 1 <= C", ("T <= C",)),
        ({"P": 0}, "P >= 1", ("P >= 0",)),
        ({"D": 1, "heads": 2}, "heads*(D//heads) == D", ()),
        ({"T": 513}, "T <= 512", ()),
        ({"H": 256}, "H <= 224", ("H % 32 == 0", "H >= 224")),
        ({"H": 1}, "H + W == H*0 + W", ()),
        ({"C": 256, "planes": 64}, "C != 256", ("C == 4*planes",)),
        ({"H": 768}, "H == 3", ("H == 768",)),
        ({}, "H + 1 == H", ()),
    ],
)
def test_refuted(counterexample: dict[str, int], question: str, facts: tuple[str, ...]) -> None:
    verdict = decide(question, *facts)
    assert verdict.kind == "refuted"
    assert verdict.counterexample == counterexample


@pytest.mark.parametrize(
    ("question", "facts"),
    [
        ("H % 2 != 0", ("H % 32 == 0",)),
        ("H == H + 1", ()),
        ("H < 1", ()),
        ("H + W <= 1", ()),
        ("C == planes", ("C == 4*planes",)),
        ("2*H == 3", ()),
    ],
)
def test_always_false(question: str, facts: tuple[str, ...]) -> None:
    verdict = decide(question, *facts)
    assert verdict.always_false
    assert verdict.kind == "refuted"


def test_constants_are_compared() -> None:
    assert Facts().decide("<", 3, 4).shown
    assert Facts().decide(">", 3, 4).always_false
    assert not Facts().decide("==", sym("H"), 4).always_false


def test_unknown_where_neither_proof_nor_counterexample() -> None:
    entry = opaque("depths[i]", frozenset({"i"}))
    assert Facts().decide(">=", entry, 1).kind == "unknown"
    assert Facts().decide("==", 2 * entry, entry + entry).shown
    assert Facts().decide(">=", entry + sym("H"), entry).shown
    assert decide("H*H*H + 4913*W*0 != 70*70*70").kind == "refuted"
    assert decide("H*H != 2*W*W").kind == "unknown"


@pytest.mark.parametrize(
    ("impossible", "facts"),
    [
        (True, ("T < C", "C < T")),
        (True, ("H % 2 == 0", "H % 4 == 1")),
        (True, ("H >= 10", "H <= 5")),
        (True, ("2*H == 5",)),
        (True, ("H == 3", "H == 4")),
        (True, ("H % 8 == 9",)),
        (True, ("H < 1",)),
        (True, ("C == 4*planes", "C <= 3")),
        (False, ("P <= 0", "P >= 0")),
        (False, ("H % 2 == 0", "H % 3 == 1")),
        (False, ("T < C", "C < H")),
        (False, ()),
    ],
)
def test_contradiction(impossible: bool, facts: tuple[str, ...]) -> None:
    assert Facts(map(fact, facts)).contradiction() is impossible


@pytest.mark.parametrize(
    ("simple", "value", "facts"),
    [
        ("H//4", "(H + 3)//4", ("H % 32 == 0",)),
        ("H//2 + W//2", "(H + W)//2", ("H % 32 == 0",)),
        ("H", "2*(H//2)", ("H % 2 == 0",)),
        ("H", "max(H, 7)", ("H % 32 == 0",)),
        ("H//64", "(H + 1)//64", ("H % 32 == 0",)),
        ("0", "H % 8", ("H % 32 == 0",)),
        ("H**2", "H*H", ("H % 32 == 0",)),
        ("D", "heads*(D//heads)", ("D % heads == 0",)),
        ("D//heads", "D//heads", ("D % heads == 0",)),
        ("planes", "C//4", ("C == 4*planes",)),
        ("T", "min(T, C, 2*C)", ("T <= C",)),
        ("(H + 1)//2", "(H + 2)//2", ("H % 2 == 1",)),
        ("0", "(H - 1)//64", ("H <= 64",)),
        ("max(H, W)", "max(H, W)", ("H >= 2",)),
    ],
)
def test_simplify(simple: str, value: str, facts: tuple[str, ...]) -> None:
    result = Facts(map(fact, facts)).simplify(small(value))
    assert str(result) == simple


@pytest.mark.parametrize(
    ("remedy", "question", "facts"),
    [
        (("H % 16 == 0",), "16*(H//16) == H", ()),
        (("H % 16 == 0",), "16*(H//16) == H", ("H % 2 == 0",)),
        (("H % 2 == 0",), "(H + 1)//2 == H//2", ()),
        (("H >= 7",), "(H - 1)//2 - 2 >= 1", ()),
        (("T <= 512",), "T <= 512", ()),
        (("T <= C",), "T <= C", ()),
        (("H == W",), "H//2 == W//2", ()),
        (("H % 2 == 0", "W % 2 == 0"), "2*(H//2)*2*(W//2) == H*W", ()),
        (("D % heads == 0",), "heads*(D//heads) == D", ()),
        (("C == 4*planes",), "C == 4*planes", ()),
        (("H == 3",), "H == 3", ()),
        ((), "H == H + 1", ()),
        ((), "H == H", ()),
        ((), "H < 1", ()),
    ],
)
def test_remedy(remedy: tuple[str, ...], question: str, facts: tuple[str, ...]) -> None:
    asked = fact(question)
    assert Facts(map(fact, facts)).remedy(asked.op, asked.left, asked.right) == remedy


def test_constraints_are_values() -> None:
    assert fact("H % 32 == 0") == fact("H % 32 == 0")
    assert len({fact("H >= 1"), fact("H >= 1"), fact("H > 1")}) == 2
    assert str(Constraint("==", sym("H") % 32, 0)) == "H % 32 == 0"
    assert fact("H >= 2").holds({"H": 2})
    assert not fact("H//P >= 2").holds({"H": 2, "P": 0})
