"""The two renderers against golden files: `pytest --update-golden` writes them anew."""

import json
from pathlib import Path

import pytest

from dslc.diagnostics import Diagnostic, Edit, Label, render_human, render_json
from dslc.source import Source, Span

GOLDEN = Path(__file__).parent / "golden"
NET = Source(
    "nets/resnet.yaml",
    "\n" * 26
    + "            - conv2d: {out: 4 * planes, kernel: 1}\n"
    + "            - batch_norm:\n"
    + "              init: {weight: zeros}\n"
    + "\n"
    + "          shortcut: []\n"
    + "      - relu\n",
)
SHORT = Source("a.yaml", "a: 1\nb: [2, 3]\n\tc: x\n")
LONG = Source("long.yaml", "k: " + "x" * 200 + " HERE " + "y" * 700 + "\n")
WIDE = Source("wide.yaml", "k: 数据 bad \x1b[2J \u202eevil\n")
SOURCES = {source.path: source for source in (NET, SHORT, LONG, WIDE)}


def at(file, line, column, length=1):
    return Span(file, line, column, line, column + length)


MAIN = at("nets/resnet.yaml", 31, 11, 8)
SHAPES = [
    Label(at("nets/resnet.yaml", 27, 15, 6), "f32[N, 256, (H+3)//4, (W+3)//4]"),
    Label(MAIN, "f32[N, 64, (H+3)//4, (W+3)//4]: axis 1 is 64, not 256"),
]
HELP = "project the shortcut with `conv2d: {out: 4 * planes, kernel: 1}`"
CALL = "in `Bottleneck` as called at nets/resnet.yaml:48:9"
CASES = {
    "shapes": Diagnostic("E0102", "error", "`add` needs equal shapes", MAIN, HELP, SHAPES, [CALL]),
    "bare": Diagnostic("E0102", "error", "this is not YAML", at("a.yaml", 1, 1)),
    "warning": Diagnostic("W0101", "warning", "a comment", at("a.yaml", 2, 5, 2), "quote it"),
    "file_not_at_hand": Diagnostic(
        "E0101",
        "error",
        "the file is not UTF-8",
        at("else.yaml", 3, 4),
        "save it as UTF-8",
        (),
        [CALL],
    ),
    "same_line": Diagnostic(
        "E0105", "error", "twice", at("a.yaml", 2, 8), None, [Label(at("a.yaml", 2, 5), "first")]
    ),
    "other_file": Diagnostic(
        "E0105",
        "error",
        "two files",
        at("a.yaml", 1, 1),
        "rename one",
        [
            Label(at("nets/resnet.yaml", 32, 9, 4), "the other"),
            Label(at("gone.yaml", 1, 1), "lost"),
        ],
    ),
    "several_lines": Diagnostic("E0102", "error", "from here on", Span("a.yaml", 2, 4, 3, 3), None),
    "beyond_the_end": Diagnostic("E0102", "error", "the text stops", at("a.yaml", 9, 7)),
    "tab": Diagnostic("E0104", "error", "a tab cannot indent", at("a.yaml", 3, 1)),
    "long_line": Diagnostic("E0102", "error", "far to the right", at("long.yaml", 1, 205, 4)),
    "long_span": Diagnostic("E0102", "error", "x" * 900, at("long.yaml", 1, 4, 900), "y" * 900),
    "wide_and_hostile": Diagnostic(
        "E0102", "error", "\x1b[31mred\u202e", at("wide.yaml", 1, 7, 3), "a\nb"
    ),
    "more_than_fits": Diagnostic(
        "E0105",
        "error",
        "much to say",
        at("a.yaml", 1, 1),
        "say less",
        [Label(at("nets/resnet.yaml", line, 15, 1), f"label {line}") for line in (27, 28, 29)],
        [f"in `Block{number}` as called at a.yaml:{number}:1" for number in range(9)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_human(name, golden):
    text = render_human([CASES[name]], SOURCES)
    assert len(text.splitlines()) <= 12
    assert all(line.isprintable() for line in text.splitlines())
    golden(GOLDEN / f"{name}.txt", text)


def test_several_diagnostics_are_set_apart(golden):
    golden(GOLDEN / "two.txt", render_human([CASES["bare"], CASES["warning"]], SOURCES))


def test_no_diagnostics_give_no_text():
    assert render_human([], SOURCES) == ""


def test_colour_changes_nothing_but_colour(golden):
    plain = render_human([CASES["shapes"], CASES["warning"]], SOURCES)
    coloured = render_human([CASES["shapes"], CASES["warning"]], SOURCES, color=True)
    assert coloured != plain
    golden(GOLDEN / "colour.txt", coloured.replace("\x1b", "ESC"))
    for code in ("[0m", "[1m", "[1;31m", "[1;33m", "[1;34m"):
        coloured = coloured.replace(f"\x1b{code}", "")
    assert coloured == plain


def test_the_example_of_the_language_page():
    """The example of the design, with its own line numbers and columns."""
    assert render_human([CASES["shapes"]], SOURCES).replace("E0102", "E0304") == (
        "error[E0304]: `add` needs equal shapes\n"
        "  --> nets/resnet.yaml:31:11\n"
        "   |\n"
        "27 |             - conv2d: {out: 4 * planes, kernel: 1}\n"
        "   |               ------ f32[N, 256, (H+3)//4, (W+3)//4]\n"
        "31 |           shortcut: []\n"
        "   |           ^^^^^^^^ f32[N, 64, (H+3)//4, (W+3)//4]: axis 1 is 64, not 256\n"
        "   |\n"
        "   = in `Bottleneck` as called at nets/resnet.yaml:48:9\n"
        "   = help: project the shortcut with `conv2d: {out: 4 * planes, kernel: 1}`\n"
    )


def test_json_has_exactly_the_promised_keys():
    item = Diagnostic(
        "E0102", "error", "m\x00", MAIN, None, SHAPES, [CALL], [Edit(at("a.yaml", 1, 1), "x")]
    )
    line = render_json("nets/resnet.yaml", [item, CASES["warning"]], ["H % 32 == 0"])
    assert "\n" not in line
    record = json.loads(line)
    assert list(record) == ["file", "ok", "diagnostics", "facts"]
    assert record["ok"] is False
    assert record["facts"] == ["H % 32 == 0"]
    assert record["diagnostics"][0] == {
        "code": "E0102",
        "severity": "error",
        "message": "m\\x00",
        "file": "nets/resnet.yaml",
        "line": 31,
        "column": 11,
        "end_line": 31,
        "end_column": 19,
        "help": None,
        "labels": [
            {"line": 27, "column": 15, "message": SHAPES[0].message},
            {"line": 31, "column": 11, "message": SHAPES[1].message},
        ],
        "fix": [{"line": 1, "column": 1, "end_line": 1, "end_column": 2, "text": "x"}],
    }
    assert record["diagnostics"][1]["help"] == "quote it"


def test_json_of_a_file_with_warnings_alone_is_ok():
    assert json.loads(render_json("a.yaml", [CASES["warning"]], []))["ok"] is True
