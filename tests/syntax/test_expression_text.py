"""Expressions as text: the same meaning as Python's, the same tree as the language's, formatted."""

import itertools
import math
import shutil
import subprocess
import warnings

import pytest
from hypothesis import given, settings

from dslc.source import Span
from dslc.syntax.expressions import (
    ExpressionError,
    Literal,
    evaluate,
    math_functions,
    number_text,
    parse_expression,
    python_string,
    to_python,
    to_spec,
)
from tests.syntax.expression_sources import ANY, ENV

PYTHON_ENV = {**ENV, "depths": tuple(ENV["depths"]), "math": math}


def parse(text):
    return parse_expression(text, Span("f", 1, 1, 1, 1 + len(text)))


@pytest.mark.parametrize(
    ("text", "python", "spec"),
    [
        ("4*planes", "4 * planes", "4 * planes"),
        ("64*2**i", "64 * 2**i", "64 * 2 ** i"),
        ("2**(i+1)", "2 ** (i + 1)", "2 ** (i + 1)"),
        ("2**-i", "2**-i", "2 ** -i"),
        ("(-i)**2", "(-i) ** 2", "(-i) ** 2"),
        ("a[0]**2", "a[0] ** 2", "a[0] ** 2"),
        ("2**3**i", "2**3**i", "2 ** 3 ** i"),
        ("(2**3)**i", "(2**3) ** i", "(2 ** 3) ** i"),
        ("a-(b-c)", "a - (b - c)", "a - (b - c)"),
        ("(a-b)-c", "a - b - c", "a - b - c"),
        ("a/(b*c)", "a / (b * c)", "a / (b * c)"),
        (
            "2 if i>0 and j==0 else 1",
            "2 if i > 0 and j == 0 else 1",
            "2 if i > 0 and j == 0 else 1",
        ),
        (
            "(1 if a else 2) if b else 3",
            "(1 if a else 2) if b else 3",
            "(1 if a else 2) if b else 3",
        ),
        ("not (a and b)", "not (a and b)", "not (a and b)"),
        ("not a==b", "not a == b", "not a == b"),
        ("(a<b)<c", "(a < b) < c", "(a < b) < c"),
        ("a and (b or c)", "a and (b or c)", "a and (b or c)"),
        (
            "stride!=1 or C!=4*planes",
            "stride != 1 or C != 4 * planes",
            "stride != 1 or C != 4 * planes",
        ),
        ("true", "True", "true"),
        ("null", "None", "null"),
        ("1e-05", "1e-5", "1e-5"),
        ("1e22", "1e22", "1e22"),
        ("0.02/sqrt(2*depth)", "0.02 / math.sqrt(2 * depth)", "0.02 / sqrt(2 * depth)"),
        ("round(a)", "round(a)", "round(a)"),
        ("a[1:]", "a[1:]", "a[1:]"),
        ("a[:-1]", "a[:-1]", "a[:-1]"),
        ("a[i+1:]", "a[i + 1 :]", "a[i + 1 :]"),
        ("a[:i+1]", "a[: i + 1]", "a[: i + 1]"),
        ("a[i:len(a)]", "a[i : len(a)]", "a[i : len(a)]"),
        ("[1,2][i]", "(1, 2)[i]", "[1, 2][i]"),
        ("'same'", '"same"', '"same"'),
        ("'a\"b'", "'a\"b'", "'a\"b'"),
    ],
)
def test_text(text, python, spec):
    assert to_python(parse(text)) == python
    assert to_spec(parse(text)) == spec


def test_names_can_be_renamed_to_paths():
    text = to_python(parse("2 ** i + planes ** 2"), lambda name: f"self.{name}")
    assert text == "2**self.i + self.planes**2"


def test_math_functions():
    assert math_functions(parse("[ceil(a), min(sqrt(a), 1)]")) == {"ceil", "sqrt"}


@pytest.mark.parametrize("value", [0.1, 1e-7, 1e16, 1.5e300, 5e-324, 123456789.125, 3])
def test_numbers_keep_their_value(value):
    assert float(number_text(value)) == value


@given(ANY)
@settings(max_examples=300)
def test_the_languages_text_gives_the_same_tree(expr):
    assert parse(to_spec(expr)) == expr


@given(ANY)
@settings(max_examples=300)
def test_python_computes_the_same_value(expr):
    """Where dslc gives a value, Python gives the same; what dslc refuses, Python may compute."""
    try:
        value = evaluate(expr, ENV)
    except ExpressionError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # as of `[][0.5]` in a branch not taken
        python = eval(to_python(expr), dict(PYTHON_ENV))
    assert same(value, python), to_python(expr)


@given(ANY)
@settings(max_examples=200)
def test_parentheses_are_minimal(expr):
    """No pair of parentheses around an operand can go without changing the tree."""
    text = to_spec(expr)
    for place in [i for i, character in enumerate(text) if character == "(" and is_group(text, i)]:
        without = drop_pair(text, place)
        try:
            assert parse(without) != expr
        except ExpressionError:
            continue


@given(ANY)
def test_python_text_is_ascii(expr):
    assert to_python(expr).isascii()


@pytest.mark.parametrize(
    "text", ["", "a", "it's", 'say "x"', "'\"", "\\", "\n\r\x00", "é\u2028𝄞\ud800"]
)
def test_string_literals_mean_their_text(text):
    assert eval(python_string(text)) == text
    assert parse(to_spec(Literal(text))) == Literal(text)


def test_ruff_format_changes_nothing(tmp_path):
    """All texts in one file: the formatter is asked once."""
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(bin_folder()))
    if ruff is None:
        pytest.skip("missing: ruff")
    texts: list[str] = [to_python(parse(text)) for text in spaced_by_rules()]

    @given(ANY)
    @settings(max_examples=400)
    def collect(expr):
        text = to_python(expr)
        if len(text) < 85 and not text.startswith(("'", '"')):
            texts.append(text)

    collect()
    assert len(texts) > 200
    path = tmp_path / "expressions.py"
    path.write_text("".join(f"x = {text}\n" for text in texts))
    before = path.read_text().splitlines()
    command = [ruff, "format", "--isolated", "--line-length", "320", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    assert path.read_text().splitlines() == before


def spaced_by_rules():
    """Powers and slices: where the formatter's spaces depend on the operands."""
    operands = ["i", "2", "0.5", "-i", "-2", "+i", "(i + 1)", "i[0]", "len(i)", "2 ** i", "true"]
    for left, right in itertools.product(operands, operands):
        yield f"({left}) ** ({right})"
        yield f"a[{left}:{right}]"
    for operand in operands:
        yield from (f"a[{operand}:]", f"a[:{operand}]", f"-({operand})", f"a[{operand}]")


def bin_folder():
    """Where this Python's own tools are."""
    import sys
    from pathlib import Path

    return Path(sys.executable).parent


def same(value, python):
    """Whether values are equal in kind and bits; lists are tuples here."""
    if isinstance(value, tuple):
        return (
            isinstance(python, list | tuple)
            and len(value) == len(python)
            and all(map(same, value, python))
        )
    return type(value) is type(python) and value == python


def is_group(text, place):
    """Whether a parenthesis groups, rather than calls, and is not within a string."""
    if text[:place].count('"') % 2 or text[:place].count("'") % 2:
        return False
    return not (place and (text[place - 1].isalnum() or text[place - 1] == "_"))


def drop_pair(text, place):
    """The text without the parenthesis at `place` and the one that closes it."""
    depth = 0
    for index in range(place, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return text[:place] + text[place + 1 : index] + text[index + 1 :]
    return text
