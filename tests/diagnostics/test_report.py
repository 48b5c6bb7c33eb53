"""The report, the catalogue and the nearest word."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dslc
from dslc.diagnostics import Diagnostic, Label, Report, SpecError, catalogue, escape, nearest, quote
from dslc.diagnostics.nearest import edit_distance
from dslc.source import Source, Span
from dslc.syntax.expressions import ExpressionError, evaluate, parse_expression
from dslc.syntax.reader import read
from dslc.syntax.types import parse_type

PACKAGE = Path(dslc.__file__).parent


def at(line, column=1, file="a.yaml"):
    return Span(file, line, column, line, column + 1)


def test_diagnostics_come_sorted_by_position():
    report = Report()
    report.error("E0105", at(3), "c")
    report.warning("W0101", at(2), "b")
    report.error("E0102", at(2, 5), "d")
    report.error("E0102", at(1), "a")
    assert [item.message for item in report.diagnostics] == ["a", "b", "d", "c"]


def test_the_same_mistake_is_reported_once():
    report = Report()
    report.error("E0105", at(1), "first")
    report.error("E0105", at(1), "second")
    report.error("E0102", at(1), "another code")
    report.error("E0105", at(2), "another place")
    assert [item.message for item in report.diagnostics] == [
        "another code",
        "first",
        "another place",
    ]


def test_warnings_are_no_failure():
    report = Report()
    report.warning("W0101", at(1), "w")
    assert report.ok
    report.raise_if_failed()
    report.error("E0102", at(1), "e", help="h", labels=[Label(at(2), "l")], notes=["n"])
    assert report.failed
    with pytest.raises(SpecError) as caught:
        report.raise_if_failed()
    assert [item.code for item in caught.value.diagnostics] == ["E0102", "W0101"]
    assert str(caught.value) == "a.yaml:1:1: E0102: e\na.yaml:1:1: W0101: w"


@pytest.mark.parametrize("code", ["E0199", "E9901", "W0101", "X", ""])
def test_an_unknown_code_raises_at_once(code):
    with pytest.raises(KeyError):
        Report().error(code, at(1), "m")


def test_a_warning_needs_a_code_of_its_own():
    with pytest.raises(KeyError):
        Report().warning("E0102", at(1), "m")


def test_every_code_that_the_compiler_names_is_in_the_catalogue():
    known = set(catalogue.codes())
    named = {
        (path.name, code)
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r'"([EW]\d{4})"', path.read_text(encoding="utf-8"))
    }
    assert not {(name, code) for name, code in named if code not in known}


def test_every_code_in_the_catalogue_is_used():
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if not re.fullmatch(r"[ew]\d\d_\w+\.py", path.name)
    )
    assert not [code for code in catalogue.codes() if f'"{code}"' not in text]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.glob("diagnostics/[ew][0-9]*.py")), ids=lambda p: p.stem
)
def test_no_code_stands_twice_and_ranges_are_kept(path):
    keys = [
        key.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Dict)
        for key in node.keys
    ]
    assert keys == sorted(set(keys))
    assert all(key.lower().startswith(path.stem[:3]) for key in keys)


def test_entries_are_complete():
    for code in catalogue.codes():
        entry = catalogue.lookup(code)
        assert entry.title, code
        assert len(entry.title) <= 80, code
        assert not entry.title.endswith("."), code
        assert entry.explanation.endswith("."), code
        assert bool(entry.bad) == bool(entry.good), code


READING = [
    code
    for code in catalogue.codes()
    if (code.startswith("E01") or code in ("W0101", "W0102")) and catalogue.lookup(code).bad
]


@pytest.mark.parametrize("code", READING)
def test_reading_examples_show_their_code(code):
    entry = catalogue.lookup(code)
    report = Report()
    read(Source("a.yaml", entry.bad), report)
    assert [item.code for item in report.diagnostics] == [code]
    report = Report()
    assert read(Source("a.yaml", entry.good), report) is not None
    assert not report.diagnostics


@pytest.mark.parametrize("code", [code for code in catalogue.codes() if code.startswith("E02")])
def test_expression_examples_show_their_code(code):
    from dslc.ir.dims import sym

    env = {"planes": 64, "H": sym("H")}

    def try_out(text):
        span = Span("a", 1, 1, 1, 1 + len(text))
        if text.startswith("f") and not text.startswith("floor"):
            parse_type(text, span)
        else:
            evaluate(parse_expression(text, span), env)

    entry = catalogue.lookup(code)
    with pytest.raises(ExpressionError) as caught:
        try_out(entry.bad)
    assert caught.value.code == code
    try_out(entry.good)


def test_a_successful_read_loads_no_catalogue_and_no_renderer():
    script = (
        "import sys\n"
        "from dslc.diagnostics import Report\n"
        "from dslc.source import Source\n"
        "from dslc.syntax.reader import read\n"
        "import dslc.syntax.types\n"
        "assert read(Source('a', 'a: 1'), Report())\n"
        "print([name for name in sys.modules if name.startswith('dslc.diagnostics.')])\n"
        "print([name for name in ('numpy', 'json', 'typing', 'inspect') if name in sys.modules])\n"
    )
    command = [sys.executable, "-S", "-c", script]
    path = {"PYTHONPATH": ":".join([str(PACKAGE.parent), *sys.path])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=path)
    loaded, heavy = done.stdout.splitlines()
    assert eval(loaded) == [
        "dslc.diagnostics.nearest",
        "dslc.diagnostics.report",
        "dslc.diagnostics.text",
    ]
    assert heavy == "[]"


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("kernal", ["kernel", "channel"], "kernel"),
        ("strde", ["stride", "size"], "stride"),
        ("Relu", ["relu", "gelu"], "relu"),
        ("rleu", ["relu", "elu"], "relu"),
        ("conv2", ["conv1d", "conv2d"], "conv2d"),
        ("xyz", ["relu"], None),
        ("n", ["m"], None),
        ("", ["a"], None),
        ("x" * 200, ["y" * 200], None),
        ("ab", ["ac", "ad"], "ac"),
        ("out", {"in", "out_channels"}, None),
        ("a", [], None),
    ],
)
def test_nearest(word, candidates, expected):
    assert nearest(word, candidates) == expected


def slow_distance(left, right):
    """The definition, without any economy."""
    if not left or not right:
        return len(left) + len(right)
    best = min(
        slow_distance(left[1:], right) + 1,
        slow_distance(left, right[1:]) + 1,
        slow_distance(left[1:], right[1:]) + (left[0] != right[0]),
    )
    if left[:2] == right[1::-1] and len(left) > 1 and len(right) > 1:
        best = min(best, slow_distance(left[2:], right[2:]) + 1)
    return best


WORDS = st.text(alphabet="abc", max_size=5)


@given(WORDS, WORDS, st.integers(1, 6))
def test_edit_distance_is_what_it_says(left, right, limit):
    assert edit_distance(left, right, limit) == min(limit, slow_distance(left, right))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 数", "plain é 数"),
        ("a\tb\nc\rd", "a\\tb\\nc\\rd"),
        ("\x00\x1b\x7f\x85", "\\x00\\x1b\\x7f\\x85"),
        ("\u200b\u202e\ud800\ufeff", "\\u200b\\u202e\\ud800\\ufeff"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_escape(text, shown):
    assert escape(text) == shown


def test_quotes_are_cut():
    assert quote("x" * 100, 10) == "`xxxxxxxxx…`"
    assert quote("short") == "`short`"


def test_reprs_are_readable():
    item = Diagnostic("E0102", "error", "m", at(1))
    assert repr(item) == "Diagnostic('E0102', 'm', a.yaml:1:1)"
