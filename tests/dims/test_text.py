"""Dims as people read them and as generated Python writes them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from dslc.ir.dims import dim_min, opaque, sym, text_of
from tests.dims.sources import small

RENAMED = {"H": "x.shape[2]", "W": "self.w", "stride": "stride", "T": "t + 1"}


@pytest.mark.parametrize(
    ("text", "readable", "python"),
    [
        ("(H + 3)//4", "(H + 3)//4", "(x.shape[2] + 3) // 4"),
        ("4*planes", "4*planes", "4 * planes"),
        ("H*W", "H*W", "x.shape[2] * self.w"),
        ("(H - 1)//stride + 1", "(H - 1)//stride + 1", "(x.shape[2] - 1) // stride + 1"),
        ("H*H*2", "2*H**2", "2 * x.shape[2] ** 2"),
        ("W*W", "W**2", "self.w**2"),
        ("T*2", "2*T", "2 * (t + 1)"),
        ("T//2", "T//2", "(t + 1) // 2"),
        ("2*(H//2)", "2*(H//2)", "2 * (x.shape[2] // 2)"),
        ("1 - H//2", "1 - H//2", "1 - x.shape[2] // 2"),
        ("-(H//2)", "-(H//2)", "-(x.shape[2] // 2)"),
        ("H*W//3", "H*W//3", "x.shape[2] * self.w // 3"),
        ("H//(2*stride)", "H//(2*stride)", "x.shape[2] // (2 * stride)"),
        ("H % 32", "H % 32", "x.shape[2] % 32"),
        ("3*(H % 4)", "3*(H % 4)", "3 * (x.shape[2] % 4)"),
        ("(H//stride) % W", "(H//stride) % W", "(x.shape[2] // stride) % self.w"),
        ("min(H, W + 1)", "min(H, W + 1)", "min(x.shape[2], self.w + 1)"),
        ("W - H - 3", "W - H - 3", "self.w - x.shape[2] - 3"),
        ("0 - W - 3", "-W - 3", "-self.w - 3"),
    ],
)
def test_texts(text: str, readable: str, python: str) -> None:
    dim = small(text)
    assert str(dim) == readable
    assert text_of(dim, RENAMED) == python


def test_rename_by_function_and_in_opaque_text() -> None:
    dim = sym("width") * opaque("2 ** i", frozenset({"i"})) + opaque("n[i]", frozenset({"i"}))
    assert text_of(dim) == "width * 2**i + n[i]"
    assert text_of(dim, str.upper) == "WIDTH * 2**I + n[I]"
    assert text_of(dim, {"i": "k + 1"}) == "width * 2**(k + 1) + n[(k + 1)]"


@pytest.mark.parametrize("factor", ["a / b", "a if c else b", "-a"])
def test_loose_opaque_text_is_parenthesised(factor: str) -> None:
    assert text_of(2 * opaque(factor, frozenset("abc"))) == f"2 * ({factor})"
    assert text_of(1 + opaque(factor, frozenset("abc"))) == f"({factor}) + 1"
    assert text_of(opaque(factor, frozenset("abc"))) == factor


def test_python_text_is_as_the_formatter_leaves_it() -> None:
    ruff = shutil.which("ruff", path=str(Path(__import__("sys").executable).parent))
    if ruff is None:
        pytest.skip("missing: ruff")
    dims = [
        small("H*H*W + 3*H//4 - (W - 1)//stride"),
        small("(H*H + 1)//(2*stride) % 7"),
        dim_min(small("H**3"), small("-W//2")),
        sym("width") * opaque("2 ** i", frozenset("i")),
        small("2*T*T"),
    ]
    code = "".join(
        f"y = {text_of(dim, rename)}\n" for dim in dims for rename in (None, RENAMED, str.lower)
    )
    done = subprocess.run(
        [ruff, "format", "--line-length", "100", "-"],
        input=code, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == code
