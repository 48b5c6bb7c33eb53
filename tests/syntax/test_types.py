"""Types: dtype and dims."""

import pytest

from dslc.source import Span
from dslc.syntax.expressions import ExpressionError, Name
from dslc.syntax.types import DTYPES, ELLIPSIS, parse_type


def parse(text):
    return parse_type(text, Span("f", 1, 1, 1, 1 + len(text)))


@pytest.mark.parametrize(
    ("text", "shown", "count"),
    [
        ("f32[N, 3, H, W]", "f32[N, 3, H, W]", 4),
        ("f32[]", "f32[]", 0),
        ("bool", "bool", None),
        ("i64[ N ]", "i64[N]", 1),
        ("f32[N,]", "f32[N]", 1),
        ("f32[..., D]", "f32[..., D]", 2),
        ("f32[...]", "f32[...]", 1),
        ("bf16[N, 4*planes, (H+3)//4]", "bf16[N, 4 * planes, (H + 3) // 4]", 3),
        ("f32[N, depths[0], min(a, b)]", "f32[N, depths[0], min(a, b)]", 3),
    ],
)
def test_types(text, shown, count):
    found = parse(text)
    assert str(found) == shown
    assert (None if found.dims is None else len(found.dims)) == count
    assert found == parse(shown)
    assert hash(found) == hash(parse(shown))


def test_parts():
    found = parse("f32[..., D]")
    assert found.dims == (ELLIPSIS, Name("D"))
    assert found.dims[1].span == Span("f", 1, 10, 1, 11)
    assert found != parse("f32[D]")


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_dtype(dtype):
    assert parse(dtype).dtype == dtype


@pytest.mark.parametrize(
    ("text", "code", "columns", "help"),
    [
        ("float32[N]", "E0211", (1, 8), "did you mean `f32`?"),
        ("f23[N]", "E0211", (1, 4), "did you mean `f32`?"),
        ("complex[N]", "E0211", (1, 8), "the dtypes are"),
        ("", "E0210", (1, 1), "a type is"),
        ("f32[N", "E0210", (1, 6), "a type is"),
        ("f32[N, , H]", "E0210", (8, 9), "a type is"),
        ("f32[N, ", "E0210", (1, 8), "a type is"),
        ("f32(N)", "E0210", (4, 5), "a type is"),
        ("f32[N] x", "E0210", (8, 9), "a type is"),
        ("f32[N, ...]", "E0210", (8, 11), "a type is"),
        ("[N]", "E0210", (1, 2), "a type is"),
        ("f32[N H]", "E0210", (7, 8), "a type is"),
        ("f32[2 +]", "E0201", (8, 9), None),
        ("f32[1_0]", "E0212", (5, 8), "write `10`"),
    ],
)
def test_what_is_refused(text, code, columns, help):
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert (error.code, (error.span.column, error.span.end_column)) == (code, columns)
    assert help is None or (error.help or "").startswith(help)
