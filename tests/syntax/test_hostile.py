"""Hostile input: refused with one diagnostic, soon, and without a traceback."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dslc.diagnostics import Report, SpecError, render_human
from dslc.limits import DEFAULT_LIMITS
from dslc.source import Source, SourceError, read_source
from dslc.syntax.reader import read
from tests.syntax.reading import codes, plain, read_text


def bomb(levels: int, width: int) -> str:
    """Aliases that stand for `width ** levels` values."""
    lines = ["a0: &a0 [x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]")
    return "\n".join(lines)


MERGES = "a0: &a0 {k: 1}\n" + "\n".join(f"a{i}: &a{i}\n  <<: *a{i - 1}" for i in range(1, 30))
DEEP_ALIASES = "- &a0 x\n" + "\n".join(f"- &a{i} [*a{i - 1}]" for i in range(1, 100))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 20_000, "E0902"),
        ("{a: " * 20_000, "E0902"),
        ("- " * 20_000, "E0902"),
        ("[" * 30_000 + "]" * 30_000, "E0902"),
        (bomb(9, 9), "E0903"),
        (bomb(20, 2), "E0903"),
        (DEEP_ALIASES, "E0902"),
        ("&a [*a]", "E0108"),
        ("a: *b", "E0108"),
        ("[" + "x," * 150_000 + "]", "E0903"),
        ("a: " + "x" * 100_000, "E0904"),
        ("? " + "x" * 100_000 + "\n: 1", "E0904"),
        ("# " + "x" * 5_000_000, "E0901"),
        ("a: !!int x", "E0106"),
        ("a: !!python/object/apply:os.system [ls]", "E0106"),
        ("!!set {a}", "E0106"),
        ("a: !<tag:yaml.org,2002:str> b", "E0106"),
        ("a: ! b", "E0106"),
        ("a: \x00", "E0116"),
        ("a: \x1b[2J", "E0116"),
        ("a: \ud800", "E0116"),
        ("\tb: 1", "E0104"),
        ("a: 1\n--- \nb: 2", "E0110"),
        ("", "E0111"),
        ("# only a comment\n", "E0111"),
        ("--- ~", None),
        ("null", None),
    ],
)
def test_one_diagnostic_and_soon(text, code):
    start = time.process_time()
    found = codes(text)
    assert time.process_time() - start < 2
    assert found == ([code] if code else [])


def test_merge_chains_are_refused_by_name():
    found = [code for code in codes(MERGES) if code.startswith("E")]
    assert set(found) == {"E0107"}
    assert len(found) == 29


@pytest.mark.parametrize("digits", [19, 20, 4300, 4301, 60_000])
@pytest.mark.parametrize("sign", ["", "-", "+"])
def test_huge_integers_are_refused_by_value(digits, sign):
    assert codes(f"a: {sign}{'9' * digits}") == ["E0117"]


def test_long_numbers_with_leading_zeros_are_small():
    node, report = read_text(f"a: {'0' * 5000}7")
    assert not report.diagnostics
    assert plain(node) == {"a": 7}


@pytest.mark.parametrize(
    ("key", "point"),
    [
        ("kеrnel", "U+0435"),
        ("ker\u200bnel", "U+200B"),
        ("ker\u202enel", "U+202E"),
        ('"ker\\x07nel"', "U+0007"),
        ('"ker\\0nel"', "U+0000"),
        ("ker\ufeffnel", "U+FEFF"),
        ("größe", "U+00F6"),
    ],
)
def test_odd_characters_in_keys_are_named(key, point):
    _, report = read_text(f"{key}: 1")
    (item,) = report.diagnostics
    assert item.code == "E0112"
    assert point in item.message


def test_a_limit_can_be_raised():
    deep = "[" * 70 + "]" * 70
    assert codes(deep) == ["E0902"]
    assert codes(deep, DEFAULT_LIMITS.override("depth", 100)) == []


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"name: caf\xe9\n", (1, 10)),
        (b"\xef\xbb\xbfa: 1\r\nb: \xc3\xa9\xff\n", (2, 5)),
        ("a: 1".encode("utf-16"), (1, 1)),
    ],
)
def test_a_byte_that_is_no_utf8_has_a_position(tmp_path, data, place):
    path = tmp_path / "net.yaml"
    path.write_bytes(data)
    with pytest.raises(SpecError) as caught:
        read_source(path)
    (item,) = caught.value.diagnostics
    assert item.code == "E0101"
    assert (item.span.line, item.span.column) == place


def test_what_cannot_be_read_is_the_calls_fault(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * 101)
    limits = DEFAULT_LIMITS.override("file_bytes", 100)
    for name, reason in [
        ("missing", "no such file"),
        (".", "a folder"),
        ("pipe", "not a regular file"),
        ("large", "larger than 100 bytes"),
        ("a\0b", "NUL"),
    ]:
        with pytest.raises(SourceError, match=reason):
            read_source(str(tmp_path / name), limits)


@pytest.mark.parametrize(
    ("name", "value"),
    [("depht", 3), ("depth", 0), ("depth", -1), ("depth", "x"), ("depth", "9" * 30)],
)
def test_a_wrong_limit_is_refused(name, value):
    with pytest.raises(ValueError, match="limit"):
        DEFAULT_LIMITS.override(name, value)


ALPHABET = st.one_of(
    st.sampled_from(
        ["- ", ": ", "{", "}", "[", "]", "\n", "  ", "\t", "a", "'", '"', "#", "&a ", "*a"]
    ),
    st.characters(),
)


@given(st.lists(ALPHABET, max_size=40).map("".join))
def test_any_text_is_read_or_refused_with_a_place(text):
    source, report = Source("net.yaml", text), Report()
    node = read(source, report)
    assert node is not None or report.failed
    shown = render_human(report.diagnostics, {"net.yaml": source})
    assert all(line.isprintable() for line in shown.split("\n"))
    for item in report.diagnostics:
        assert item.span.line >= 1
        assert item.span.column >= 1


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(data)
    try:
        source = read_source(path)
    except SpecError as error:
        found = error.diagnostics
    else:
        report = Report()
        found = report.diagnostics if read(source, report) is None else (None,)
    assert found
