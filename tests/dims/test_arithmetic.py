"""The normal form keeps values, folds what it should, and is one object for equal sizes."""

import subprocess
import sys

import pytest
from hypothesis import given

from dslc.ir.dims import (
    Dim,
    DimTooLargeError,
    ceil_div,
    dim_max,
    dim_min,
    evaluate,
    opaque,
    substitute,
    sym,
    symbols_of,
    text_of,
)
from tests.dims.sources import NAMES, SOURCES, Source, small, value_of, values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H + 0", "H"),
        ("H*W*4 + C - 1", "4*H*W + C - 1"),
        ("(8*H + 6)//4", "2*H + 1"),
        ("(8*H + W)//4", "2*H + W//4"),
        ("(4*H + 6)//8", "(H + 1)//2"),
        ("(H//2)//3", "H//6"),
        ("((H + 1)//2 + 1)//2", "(H + 3)//4"),
        ("(H//2 + W)//2", "(H + 2*W)//4"),
        ("-(-H//2)", "(H + 1)//2"),
        ("(-H)//4", "-((H + 3)//4)"),
        ("3*H//4", "3*H//4"),
        ("7*H//4", "H + 3*H//4"),
        ("H//-2", "-((H + 1)//2)"),
        ("H//1", "H"),
        ("(stride*H + 1)//stride", "H + 1//stride"),
        ("(H + stride - 1)//stride", "(H - 1)//stride + 1"),
        ("(2*H)//(2*stride)", "H//stride"),
        ("H*(W + 1)//(W + 1)", "H"),
        ("H*W % W", "0"),
        ("(H % 8) % 4", "H % 4"),
        ("(H % 4)//4", "0"),
        ("(H % 4) % 8", "H % 4"),
        ("(9*H + 10) % 4", "(H + 2) % 4"),
        ("(2*H + 5) % 4", "2*(H % 2) + 1"),
        ("(H*3) % 3", "0"),
        ("H % -2", "-(H % 2)"),
        ("min(H, 5, H + 1, 7)", "min(H, 5)"),
        ("max(max(H, W), 3, W)", "max(H, W, 3)"),
        ("(H + 1)**2", "H**2 + 2*H + 1"),
        ("16*(H//16)", "16*(H//16)"),
        ("10 - H", "10 - H"),
    ],
)
def test_normal_form(text: str, expected: str) -> None:
    assert str(small(text)) == expected


def test_five_strided_convolutions_fold() -> None:
    size = sym("H")
    for _ in range(5):
        size = (size + 2 * 1 - 3) // 2 + 1
    assert str(size) == "(H + 31)//32"


@pytest.mark.parametrize("text", ["H - H", "H//H", "(H*W)//(H*W)", "H % 1", "H*0", "min(3, 4)"])
def test_constants_are_plain_ints(text: str) -> None:
    assert type(small(text)) is int


def test_equal_sizes_are_equal_and_hash_alike() -> None:
    first, second = small("(H + W)*(H - W)"), small("H*H - W*W")
    assert first == second
    assert hash(first) == hash(second)
    assert first != small("H*H")
    assert sym("H") != 1


@pytest.mark.parametrize("bad", ["H//0", "H % 0"])
def test_division_by_zero(bad: str) -> None:
    with pytest.raises(ZeroDivisionError):
        small(bad)


def test_limits() -> None:
    size = sym("H")
    with pytest.raises(DimTooLargeError):
        size**1000
    with pytest.raises(ValueError, match="non-negative"):
        size**-1
    wide = sum((sym(f"S{i}") for i in range(60)), sym("S"))
    with pytest.raises(DimTooLargeError):
        wide * wide


@pytest.mark.parametrize("grow", ["2*(H//3)", "2*(H//3) + H % 5", "(H//2 + 1)*(H//3)"])
def test_nesting_is_limited(grow: str) -> None:
    def nest() -> None:
        size = sym("H")
        for _ in range(200):
            size = substitute(small(grow), {"H": size})

    with pytest.raises(DimTooLargeError):
        nest()


def test_ceil_div() -> None:
    assert ceil_div(7, 2) == 4
    assert str(ceil_div(sym("H"), 2)) == "(H + 1)//2"
    assert ceil_div(sym("H"), -2) == -(sym("H") // 2)
    assert str(ceil_div(sym("H"), sym("s"))) == "(H - 1)//s + 1"
    with pytest.raises(ValueError, match="min of nothing"):
        dim_min()


def test_helpers_take_ints() -> None:
    assert symbols_of(3) == frozenset()
    assert substitute(3, {"H": 1}) == 3
    assert evaluate(3, {}) == 3
    assert text_of(3) == "3"
    assert dim_max(3, 4) == 4


def test_substitute_is_simultaneous() -> None:
    swapped = substitute(small("H - 2*W"), {"H": sym("W"), "W": sym("H")})
    assert swapped == small("W - 2*H")
    assert substitute(small("(H + 3)//4"), {"H": small("4*W")}) == sym("W")


def test_opaque() -> None:
    power = opaque("2 ** i", frozenset({"i"}))
    width = sym("width") * power
    assert str(width) == "width*2**i"
    assert symbols_of(width) == {"width", "i"}
    assert str(substitute(width, {"i": sym("j") + 1})) == "width*2**(j + 1)"
    assert substitute(width, {"i": 3}) == 8 * sym("width")
    assert opaque("i", frozenset({"i"})) == sym("i")
    with pytest.raises(ValueError, match=r"2\*\*i"):
        evaluate(width, {"width": 1, "i": 1})
    falling = opaque("2 ** (levels - 1 - i)", frozenset({"levels", "i"}))
    assert substitute(falling, {"levels": 2, "i": 1}) == 1
    assert str(substitute(falling, {"levels": 3})) == "2**(2 - i)"
    choice = opaque("a if mode == 'a' else b.a", frozenset({"a"}))
    assert text_of(substitute(choice, {"a": 7})) == "7 if mode == 'a' else b.a"


@given(SOURCES)
def test_values_are_kept(source: Source) -> None:
    code = compile(text_of(source.dim), "text", "eval")
    for env in values(*map(sym, NAMES), upto=5):
        expected = source.python(env)
        if expected is not None:
            assert value_of(source.dim, env) == expected
            assert eval(code, {"min": min, "max": max}, dict(env)) == expected


@given(SOURCES, SOURCES)
def test_substitution_agrees_with_values(source: Source, inner: Source) -> None:
    try:
        replaced = substitute(source.dim, {"H": inner.dim})
    except ZeroDivisionError:
        return
    for env in values(*map(sym, NAMES), upto=3):
        inside = value_of(inner.dim, env)
        if inside is not None and inside > 0:
            expected = value_of(source.dim, {**env, "H": inside})
            if expected is not None:
                assert value_of(replaced, env) == expected


@given(SOURCES)
def test_printed_text_reads_back(source: Source) -> None:
    assert small(str(source.dim), s=sym("s")) == source.dim or isinstance(source.dim, Dim)
    code = compile(str(source.dim), "text", "eval")
    for env in values(*map(sym, NAMES), upto=3):
        expected = source.python(env)
        if expected is not None:
            assert eval(code, {"min": min, "max": max}, dict(env)) == expected


def test_importing_dims_imports_nothing_heavy() -> None:
    code = "import sys; import dslc.ir.dims; print(*sorted(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert not loaded & {"typing", "re", "dataclasses", "inspect", "fractions", "numpy", "sympy"}
