"""Expressions: what they parse to, what they are worth, what is refused and where."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dslc.source import Span
from dslc.syntax.expressions import (
    Binary,
    Call,
    Compare,
    ExpressionError,
    Literal,
    Name,
    Unary,
    evaluate,
    free_names,
    parse_expression,
    substitute,
    to_spec,
)

ENV = {"i": 3, "j": 0, "planes": 64, "depths": [3, 4, [6, 3]], "act": "relu", "deep": True}


def parse(text):
    return parse_expression(text, Span("f", 1, 5, 1, 5 + len(text)))


def failure(text, env=None):
    with pytest.raises(ExpressionError) as caught:
        evaluate(parse(text), ENV if env is None else env)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4 * planes", 256),
        ("64 * 2 ** i", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512),
        ("(2 ** 3) ** 2", 64),
        ("7 // 2 * 2 + 7 % 2", 7),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7.5 // 2", 3.0),
        ("6 / 3", 2.0),
        ("1 - 2 - 3", -4),
        ("8 / 2 / 2", 2.0),
        ("2 if i > 0 and j == 0 else 1", 2),
        ("1 if j else 2 if false else 3", None),
        ("not deep or i == 3", True),
        ("0 < i <= 3 < planes", True),
        ("0 < j <= 1 / 0", False),
        ("deep or 1 / 0 > 1", True),
        ("j != 0 and 1 // j > 0", False),
        ("act == 'relu'", True),
        ('act in ["gelu", "silu"]', False),
        ("act not in ['gelu']", True),
        ("act == 3", False),
        ("deep == 1", False),
        ("null == null", True),
        ("depths[-1][0]", 6),
        ("depths[1:]", (4, (6, 3))),
        ("depths[:-1]", (3, 4)),
        ("depths[:]", (3, 4, (6, 3))),
        ("depths == [3, 4, [6, 3]]", True),
        ("[1, 2] + [3] * 2", (1, 2, 3, 3)),
        ("2 * [1]", (1, 1)),
        ("[1] * -1", ()),
        ("[]", ()),
        ("[1,]", (1,)),
        ("len(depths)", 3),
        ("sum(depths[:2])", 7),
        ("sum([])", 0),
        ("min(3, i - 1)", 2),
        ("max([1, 2.5])", 2.5),
        ("ceil(7 / 2) + floor(7 / 2) + round(2.5)", 9),
        ("ceil(3)", 3),
        ("sqrt(16)", 4.0),
        ("log2(8)", 3.0),
        ("0x10 + 017", 33),
        (".5 + 1.", 1.5),
        ("1e-3", 1e-3),
        ("True != false", True),
        ("'it\\'s'", "it's"),
        (r'"\u00e9\x41\n"', "éA\n"),
        ("9223372036854775807", 2**63 - 1),
        ("  i  ", 3),
    ],
)
def test_values(text, value):
    if value is None:
        assert failure(text).code == "E0204"
        return
    found = evaluate(parse(text), ENV)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "code", "columns"),
    [
        ("", "E0201", (1, 1)),
        ("4 * * planes", "E0201", (5, 6)),
        ("4 *", "E0201", (1, 4)),
        ("(1 + 2", "E0201", (1, 7)),
        ("1 + 2)", "E0201", (6, 7)),
        ("a b", "E0201", (3, 4)),
        ("1 if i", "E0201", (1, 7)),
        ("i & j", "E0201", (3, 4)),
        ("i == 1 || j", "E0201", (8, 9)),
        ("i = 1", "E0201", (3, 4)),
        ("$i + 1", "E0201", (1, 2)),
        ("'x", "E0201", (1, 3)),
        (r"'\q'", "E0201", (2, 4)),
        ("lambda: 1", "E0201", (7, 8)),
        ("i.real", "E0202", (1, 7)),
        ("i;j", "E0201", (2, 3)),
        ("depths[1:2:3]", "E0201", (11, 12)),
        ("1 + plane", "E0202", (5, 10)),
        ("1 + sqr(4)", "E0203", (5, 8)),
        ("sqrt(1, 2)", "E0203", (1, 11)),
        ("min()", "E0203", (1, 6)),
        ("__import__('os')", "E0203", (1, 11)),
        ("1 + 'a'", "E0204", (5, 8)),
        ("deep + 1", "E0204", (1, 5)),
        ("i and deep", "E0204", (1, 2)),
        ("not i", "E0204", (5, 6)),
        ("i[0]", "E0204", (1, 2)),
        ("depths['a']", "E0204", (8, 11)),
        ("depths[true]", "E0204", (8, 12)),
        ("depths[:1.5]", "E0204", (9, 12)),
        ("1 < 'a'", "E0204", (1, 8)),
        ("act in 'relu'", "E0204", (1, 14)),
        ("[1] - [1]", "E0204", (1, 10)),
        ("[1] * 2.0", "E0204", (1, 10)),
        ("sum(i)", "E0204", (1, 7)),
        ("max(i)", "E0204", (1, 7)),
        ("max([])", "E0204", (1, 8)),
        ("len(act)", "E0204", (1, 9)),
        ("null + 1", "E0204", (1, 5)),
        ("7 // j", "E0205", (6, 7)),
        ("7 % (i - 3)", "E0205", (6, 11)),
        ("0 ** -1", "E0205", (6, 8)),
        ("2 ** 64", "E0206", (1, 8)),
        ("2 ** 2 ** 60", "E0206", (1, 13)),
        ("10 ** 100000000", "E0206", (1, 16)),
        ("9223372036854775807 + 1", "E0206", (1, 24)),
        ("1e308 * 10", "E0206", (1, 11)),
        ("10.0 ** 400", "E0206", (1, 12)),
        ("(-8) ** 0.5", "E0206", (1, 12)),
        ("sqrt(-1)", "E0206", (1, 9)),
        ("log2(0)", "E0206", (1, 8)),
        ("[0] * 100000", "E0206", (1, 13)),
        ("9223372036854775808", "E0206", (1, 20)),
        ("1e999", "E0206", (1, 6)),
        ("depths[3]", "E0207", (8, 9)),
        ("depths[-4]", "E0207", (8, 10)),
        ("+".join("1" * 2000), "E0208", (1, 4000)),
        ("(" * 100 + "1" + ")" * 100, "E0208", (1, 202)),
        ("-" * 100 + "1", "E0208", (1, 102)),
        ("not " * 100 + "true", "E0208", (1, 405)),
        ("+".join("1" * 100), "E0208", (1, 200)),
        ("2" + "**2" * 100, "E0208", (1, 302)),
        ("a" + "[0]" * 100, "E0208", (1, 302)),
        ("[" * 100 + "]" * 100, "E0208", (1, 201)),
        ("1 + 1_000", "E0212", (5, 10)),
        ("3px", "E0212", (1, 4)),
        ("1.2.3", "E0212", (1, 6)),
    ],
)
def test_what_is_refused_and_where(text, code, columns):
    error = failure(text)
    found = (error.span.column - 4, error.span.end_column - 4)
    wanted = (columns[0], max(columns[1], columns[0]))
    assert (error.code, found) == (code, wanted)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("plans", "did you mean `planes`?"),
        ("sqr(4)", "did you mean `sqrt`?"),
        ("1_000", "write `1000`"),
        ("$i", "in an expression a param is written without `$`"),
        ("i and deep", "compare it, as in `… != 0`"),
    ],
)
def test_help_says_what_to_write(text, help):
    assert failure(text).help == help


def test_precedence_is_structure():
    assert parse("a + b * c") == Binary("+", Name("a"), Binary("*", Name("b"), Name("c")))
    assert parse("-a ** b") == Unary("-", Binary("**", Name("a"), Name("b")))
    assert parse("not a == b") == Unary("not", Compare(Name("a"), ("==",), (Name("b"),)))
    assert parse("a not in b") == Compare(Name("a"), ("not in",), (Name("b"),))


def test_spans_within_a_scalar():
    expr = parse("4 * (planes + 1)")
    assert expr.span == Span("f", 1, 5, 1, 21)
    assert expr.right.span == Span("f", 1, 10, 1, 20)
    assert expr.right.left.span == Span("f", 1, 10, 1, 16)
    quoted = parse_expression("4 * p", Span("f", 2, 3, 2, 10))
    assert quoted.right.span == Span("f", 2, 8, 2, 9)
    block = Span("f", 2, 3, 4, 1)
    assert parse_expression("4 * p", block).right.span == block


def test_equality_is_structure_without_spans():
    assert parse("a + 1") == parse("a   +   1")
    assert hash(parse("a + 1")) == hash(parse("a   +   1"))
    literals = [Literal(1), Literal(1.0), Literal(True), Literal("1"), Literal(None)]
    assert len(set(literals)) == len(literals)
    assert Literal(1) != Name("a")
    assert Literal(1) != 1


def test_expressions_are_frozen_and_copy_through_pickle():
    expr = parse("max(a, [1, 'x'][0]) if a > 1 else a[1:]")
    with pytest.raises(AttributeError):
        expr.test = Literal(1)
    with pytest.raises(AttributeError):
        del expr.test
    copy = pickle.loads(pickle.dumps(expr))  # noqa: S301  our own bytes
    assert copy == expr
    assert copy.span == expr.span


def test_free_names_and_substitution():
    expr = parse("max(a, b[c]) if d in [a, 1] else e[:f]")
    assert free_names(expr) == set("abcdef")
    found = substitute(expr, {"a": parse("x + 1"), "f": parse("2")})
    assert to_spec(found) == "max(x + 1, b[c]) if d in [x + 1, 1] else e[:2]"
    assert substitute(parse("2 * a"), {"a": parse("x + 1")}) == parse("2 * (x + 1)")


class Size:
    """Stands for a dim: the operators of a number, and no plain value."""

    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Size(self.value + getattr(other, "value", other))

    __radd__ = __add__

    def __neg__(self):
        return Size(-self.value)

    def __mul__(self, other):
        return Size(self.value * getattr(other, "value", other))

    __rmul__ = __mul__

    def __floordiv__(self, other):
        return Size(self.value // getattr(other, "value", other))

    def __str__(self):
        return f"H{self.value}"


def test_dims_bring_their_own_arithmetic():
    env = {"H": Size(7), "two": 2}
    assert evaluate(parse("4 * H + two"), env).value == 30
    assert evaluate(parse("H ** 2"), env).value == 49
    assert evaluate(parse("H ** 0"), env) == 1
    assert evaluate(parse("ceil(H / 2)"), env).value == 4
    assert evaluate(parse("floor(H / 2)"), env).value == 3
    assert evaluate(parse("ceil(H)"), env).value == 7
    assert evaluate(parse("sum([H, 1, H])"), env).value == 15


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("H / 2", "E0204"),
        ("H * 0.5", "E0204"),
        ("H + true", "E0204"),
        ("H ** H", "E0204"),
        ("2 ** H", "E0204"),
        ("H ** -1", "E0204"),
        ("sqrt(H)", "E0204"),
        ("max(H, 0.5)", "E0204"),
        ("H < 'a'", "E0204"),
        ("H // 0", "E0205"),
        ("H > 3", "E0209"),
        ("H in [3]", "E0209"),
        ("depths[H]", "E0204"),
    ],
)
def test_what_dims_cannot_do(text, code):
    assert failure(text, {"H": Size(7), "depths": [1]}).code == code


def test_comparisons_of_dims_are_decided_elsewhere():
    asked = []

    def decide(op, left, right):
        asked.append((op, str(left), str(right)))
        return op == ">"

    env = {"H": Size(7)}
    assert evaluate(parse("H > 3"), env, decide) is True
    assert evaluate(parse("3 < H < 9"), env, decide) is False
    assert evaluate(parse("H in [1, 2]"), env, decide) is False
    assert evaluate(parse("H == 'same'"), env, decide) is False
    assert evaluate(parse("[H] != [1]"), env, decide) is True
    assert asked == [
        (">", "H7", "3"),
        ("<", "3", "H7"),
        ("==", "H7", "1"),
        ("==", "H7", "2"),
        ("==", "H7", "1"),
    ]


def test_functions_of_dims_use_the_compilers_own():
    from dslc.ir.dims import dim_max, sym

    size = sym("H")
    assert evaluate(parse("max(H, 3)"), {"H": size}) == dim_max(size, 3)
    assert evaluate(Call("min", (Name("H"), Name("H"))), {"H": size}) == size


def test_values_of_floats_are_finite():
    assert failure("a + 1", {"a": math.inf}).code == "E0206"


@given(st.text(alphabet="0123456789.eE+-*/%<>=()[],:'\" \\abif_notrue", max_size=30))
def test_any_text_has_a_value_or_one_error_within_it(text):
    span = Span("f", 1, 1, 1, 1 + len(text))
    try:
        evaluate(parse_expression(text, span), {"a": 2, "b": [1]})
    except ExpressionError as error:
        found = (error.code[:3], error.span.column)
    else:
        return
    assert found <= ("E02", max(1, len(text)))
