"""The tree: values by the core schema, spans, keys, aliases."""

import math

import pytest

from dslc.source import Span
from dslc.syntax.tree import Mapping, Scalar, Sequence
from tests.syntax.reading import codes, plain, read_text, tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("=", "="),
        ("1e3", 1000.0),
        ("1e-3", 0.001),
        ("3E-4", 3e-4),
        (".5", 0.5),
        ("5.", 5.0),
        ("+7", 7),
        ("-7", -7),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("0x", "0x"),
        (".", "."),
        ("+", "+"),
        ("e3", "e3"),
        ("1e", "1e"),
        ("1.5.2", "1.5.2"),
        ("٣", "٣"),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("tRuE", "tRuE"),
        ("'1'", "1"),
        ('"true"', "true"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_plain_scalars_follow_the_core_schema(text, value):
    found = plain(tree(f"a: {text}"))["a"]
    assert (found, type(found)) == (value, type(value))


def test_not_a_number_is_a_float():
    assert math.isnan(plain(tree("a: .nan"))["a"])


def test_a_number_beyond_64_bits_is_reported_and_stays_text():
    node, report = read_text("a: 9223372036854775808")
    assert [item.code for item in report.diagnostics] == ["E0117"]
    assert plain(node) == {"a": "9223372036854775808"}


def test_a_float_beyond_double_precision_stays_text():
    assert plain(tree("a: 1e999")) == {"a": "1e999"}


def test_spans_count_from_one_in_code_points():
    root = tree('k: "ü𝄞" # é\nsteps:\n  - relu: {a: [1, b]}\n')
    assert isinstance(root, Mapping)
    (first_key, first), (_, steps) = root.entries
    assert first_key.span == Span("net.yaml", 1, 1, 1, 2)
    assert first.span == Span("net.yaml", 1, 4, 1, 8)
    assert isinstance(steps, Sequence)
    relu = steps.items[0].entries[0][1]
    assert relu.span == Span("net.yaml", 3, 11, 3, 22)
    assert relu.get("a").items[1].span == Span("net.yaml", 3, 19, 3, 20)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_line_breaks_and_byte_order_mark_do_not_matter(line_break):
    root = tree(line_break.join(["\ufeffa: 1", "b:", "  - c"]))
    assert plain(root) == {"a": 1, "b": ["c"]}
    assert root.get("b").items[0].span == Span("net.yaml", 3, 5, 3, 6)


def test_styles():
    root = tree("a: x\nb: 'x'\nc: \"x\"\nd: |\n  x\ne: >\n  x\n")
    assert [value.style for _, value in root.entries] == ["plain", "'", '"', "|", ">"]
    assert [value.plain for _, value in root.entries] == [True, False, False, False, False]


def test_mapping_lookup():
    root = tree("a: 1\nb: 2")
    assert root.get("b").text == "2"
    assert root.key("b").span.line == 2
    assert root.get("c") is None
    assert root.key("c") is None
    assert "a" in root
    assert "c" not in root


def test_nodes_can_be_made_from_spans():
    span = Span("x", 1, 1, 1, 2)
    mapping = Mapping([(Scalar("a", "plain", span), Scalar("1", "plain", span))], span)
    assert mapping.get("a").value == 1
    assert mapping.span == span


def test_aliases_share_the_node_of_their_anchor():
    root = tree("a: &x {k: 1}\nb: *x\nc: [*x]")
    assert root.get("b") is root.get("a")
    assert root.get("c").items[0] is root.get("a")


def test_an_anchor_may_be_set_again():
    assert plain(tree("- &x 1\n- *x\n- &x 2\n- *x")) == [1, 1, 2, 2]


def test_the_first_of_two_equal_keys_is_kept_and_reading_goes_on():
    node, report = read_text("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert [(item.code, item.span.line) for item in report.diagnostics] == [
        ("E0105", 2),
        ("E0105", 3),
    ]
    assert [label.span.line for item in report.diagnostics for label in item.labels] == [1, 3]
    assert plain(node) == {"a": 1, "b": {"c": 1}}


def test_a_merge_key_is_refused_once_and_read_as_it_was_meant():
    node, report = read_text("x: {<<: [{a: 1}, {a: 3, c: 4}], b: 2, c: 5}")
    assert [item.code for item in report.diagnostics] == ["E0107"]
    assert plain(node) == {"x": {"a": 1, "b": 2, "c": 5}}


def test_a_quoted_merge_key_is_a_key():
    assert plain(tree('{"<<": 1}')) == {"<<": 1}


def test_torn_and_glued_entries_are_read_as_they_were_meant():
    node, report = read_text("{k: min(a, b, c), b:1, d: 2}")
    assert [item.code for item in report.diagnostics] == ["E0113", "E0114"]
    assert plain(node) == {"k": "min(a, b, c)", "b": 1, "d": 2}


@pytest.mark.parametrize(
    "text",
    [
        '{k: "min(a, b)"}',
        "{k: sum(a) }",
        "{k: (1) , c: 2}",
        "a: min(a, b)",
        "{a: , b: 1}",
        "{a: zoo:vit}",
        "{a: 12:30}",
        "[zoo:vit, (1), a)]",
        "a: x#y",
        "a: x # y",
        "a: x #",
        "a: 'x #y'",
        "#a\na: 1 ## x",
        "http://x/y: 1",
        '{"a:b": 1}',
    ],
)
def test_what_is_meant_as_written_gets_no_word(text):
    assert codes(text) == []


def test_a_step_that_needs_a_colon_comes_with_its_mend():
    _, report = read_text("steps:\n  - relu\n    name: act\n")
    (edit,) = report.diagnostics[0].fix
    assert (edit.span, edit.text) == (Span("net.yaml", 2, 9, 2, 9), ":")


def test_warnings_do_not_fail():
    node, report = read_text("a: &b c\nd: e #f\n")
    assert [item.code for item in report.diagnostics] == ["W0102", "W0101"]
    assert report.ok
    assert plain(node) == {"a": "c", "d": "e"}
