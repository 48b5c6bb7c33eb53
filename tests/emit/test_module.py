"""Whole modules: order, empty lines, imports, docs and comments; and text that means harm."""

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest

from dslc.emit.names import Names
from dslc.emit.python import (
    Blank,
    Class,
    Comment,
    For,
    Function,
    If,
    Line,
    Module,
    Parameter,
    Raw,
    Statement,
    While,
    With,
    helper_source,
    to_source,
)
from tests.emit.expressions import expression
from tests.emit.formatting import all_formatted, formatted, ruff

HOSTILE = [
    'quote"quote',
    '"""',
    '""" + evil() + """',
    "'''",
    'ends in a quote"',
    '"starts with one',
    "ends in a backslash\\",
    "\\",
    "\\N{BULLET} \\x41 \\u0041 \\",
    "a\nimport os\nos.abort()",
    "a\rimport os",
    "a\x0cimport os",
    "a\x0bimport os",
    "a\u2028import os",
    "a\u2029import os",
    "a\x85import os",
    "a\x1cimport os",
    "nul\x00byte",
    "bell\x07 escape\x1b[31m",
    "-*- coding: utf-7 -*-",
    "vim: set fileencoding=latin-1 :",
    "coding=cp037",
    "noqa",
    "noqa: F401",
    "type: ignore",
    "fmt: off",
    "fmt: skip",
    "ruff: noqa",
    "pyright: basic",
    "isort: skip_file",
    "\u202eright to left\u202c",
    "\u2066isolate\u2069",
    "zero\u200bwidth\ufeff",
    "soft\xadhyphen",
    "lone \ud800 surrogate",
    "\U000e0041 tag",
    "ﬁ ligature, ａ fullwidth, ª ordinal",
    "e\u0301 combining, \u0301 alone",
    "日本語の説明" * 12,
    "🙂 emoji 👩‍👩‍👧",
    "{x} {{y}} {0!r} %s %(a)s",
    "{__import__('os').system('false')}",
    "#!/bin/sh",
    "# # #",
    "",
    " ",
    "\n",
    "\n\n  indented\n    more\n\n  less\n\n",
    "\ttab\tab",
    "a" * 300,
    "word " * 80,
    "  - a list\n    of things\n  - and more " + "long " * 40,
    ">>> evil()",
    "class",
    "match",
    "print",
    "__debug__",
    "None",
    "self",
    "__init__",
    "_",
    "__",
    "1st",
    "a-b",
    "a.b",
    "../../etc/passwd",
    "x; import os",
    "x) or evil(",
    "lambda: 0",
    "ｅval",
    "µ",
    "ſ",
    "K",
]


def _hostile() -> list[str]:
    """Two hundred strings: those above, and random mixtures of their parts."""
    source = random.Random(7)
    texts = list(HOSTILE)
    while len(texts) < 200:
        parts = source.sample(HOSTILE, 3)
        texts.append("".join(part[: source.randint(1, 12)] for part in parts))
    return texts


def test_two_hundred_hostile_strings_do_no_harm() -> None:
    names = Names()
    printed: list[str] = []
    for text in _hostile():
        module = Module(text)
        module.require("from collections import OrderedDict")
        name, other = names.fresh(text), names.fresh(text)
        module.add(Comment(text), Line(f"{name} = {text!r}", text), Line(f"{other} = OrderedDict"))
        method = Function(names.fresh(text), [Parameter("self")], doc=text, body=[Comment(text)])
        module.add(Class(names.fresh(text), doc=text, body=[method]))
        source = to_source(module)
        space: dict[str, object] = {}
        exec(compile(source.encode("utf-8"), "generated", "exec"), space)
        assert space[name] == text
        assert _is_what_was_asked(ast.parse(source))
        assert all(character.isprintable() or character == "\n" for character in source)
        printed.append(source)
    for before in printed[:80]:
        assert formatted(before) == before
    for before in printed:
        assert "# noqa" not in before.lower()


def _is_what_was_asked(tree: ast.Module) -> bool:
    kinds = [type(node).__name__ for node in tree.body if not isinstance(node, ast.Expr)]
    return kinds == ["ImportFrom", "Assign", "Assign", "ClassDef"]


def _random_body(source: random.Random, depth: int) -> list[Statement]:
    makers = [_random_line, _random_comment, _random_block]
    return [source.choice(makers)(source, depth) for _ in range(source.randint(0, 5))]


def _random_line(source: random.Random, depth: int) -> Statement:
    if source.random() < 0.2:
        return Blank()
    comment = source.choice([None, "[N, C]", "a comment " * source.randint(1, 12)])
    return Line(f"value = {expression(source, 2)}", comment)


def _random_comment(source: random.Random, depth: int) -> Statement:
    return Comment(source.choice(["short", "long words in a comment " * 8, "two\nlines"]))


def _random_block(source: random.Random, depth: int) -> Statement:
    if depth == 0:
        return Line("pass")
    body = _random_body(source, depth - 1)
    test = expression(source, 2)
    blocks: list[Statement] = [
        If(test, body, _random_body(source, 0)),
        If(test, body, [If(test, body, [Line("y = 1")])]),
        For("a, b", f"({test})", body),
        While(test, body),
        With([f"a({test}) as b", "c()"], body),
    ]
    return source.choice(blocks)


def _random_module(source: random.Random) -> Module:
    module = Module(source.choice(["", "One line.", "Two lines.\n\nAnd a paragraph " * 3]))
    if source.random() < 0.7:
        module.require("import os")
        module.require("from torch import nn")
    for _ in range(source.randint(0, 4)):
        kind = source.randrange(4)
        parameters = [Parameter("x", "int"), Parameter("y" * 60, "str", "'a'", "keyword")]
        body = _random_body(source, 2)
        function = Function("f", parameters, "list[int]", source.choice(["", "Doc."]), body)
        if kind == 0:
            module.add(function)
        elif kind == 1:
            doc = source.choice(["", "Doc.", "Summary.\n\nMore."])
            module.add(Class("A", ["B"], doc, [Line("a: int = 1"), function, function]))
        elif kind == 2:
            module.add(Comment("above"), Raw("def raw():\n    return 1\n"))
        else:
            module.add(*_random_body(source, 1))
    return module


def test_random_modules_are_formatted_already() -> None:
    source = random.Random(3)
    printed = [to_source(_random_module(source)) for _ in range(120)]
    rows = "".join(f"if x:\n{_shift(text)}\n" for text in printed if text)
    assert ast.parse(rows)
    for before in printed[:40]:
        assert formatted(before) == before


def _shift(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))


def test_imports_are_merged_sorted_and_pruned() -> None:
    module = Module("Imports.", local=["data"])
    for text in ("import os", "import torch.utils.data", "import numpy as np", "import jax"):
        module.require(text)
    module.require("from torch.nn import functional as F, Module, init")
    module.require("from data import batches")
    module.require("from __future__ import annotations")
    module.require_from("collections", "OrderedDict", "abc", "MAX_2", "MAX_10")
    module.require_from("torch", "nn", "Tensor")
    module.require("from torch import nn")
    module.require_from("jax", "Array", "numpy as jnp")
    used = "os, torch, np, jax, F, Module, init, batches, OrderedDict, abc, MAX_2, MAX_10"
    module.add(Line(f"names = ({used}, nn, Tensor, Array, jnp)"))
    source = to_source(module)
    options = ("check", "--isolated", "--select", "I,F401", "--config")
    known = "lint.isort.known-first-party=['data']"
    ruff(*options, known, "--stdin-filename", "x.py", "-", source=source)
    assert formatted(source) == source
    assert source.count("from torch import") == 1
    module.body[:] = [Line("x = torch.ones(np.pi)")]
    module.prune_imports()
    lines = [line for line in to_source(module).splitlines() if "import" in line]
    assert lines == [
        "from __future__ import annotations",
        "import numpy as np",
        "import torch.utils.data",
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Line("x = ("), "not a Python statement"),
        (lambda: Line("x = 1; y = 2"), "not exactly one"),
        (lambda: Line("if x: y"), "not a simple statement"),
        (lambda: If("x: pass\nif y", []), "not"),
        (lambda: For("x", "y:\n    evil()\nfor z in y", []), "not"),
        (lambda: If("x: pass\nelse", []), "not the header"),
        (lambda: Function("f(): evil()\ndef g", []), "not"),
        (lambda: Class("A:\n    x = 1\nclass B"), "not"),
        (lambda: Raw("def"), "not Python source"),
        (lambda: Module("").require("x = 1"), "not an import"),
    ],
)
def test_a_piece_that_is_not_what_it_says_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


def test_a_chain_of_conditions_prints_as_elif() -> None:
    wide = " or ".join(["condition"] * 8)
    chain = If("a", [Line("x = 1")], [If(wide, [], [If("c", [], [Line("x = 3")])])])
    source = to_source(Module("", [chain]))
    assert source.count("elif ") == 2
    assert source.count("else:") == 1
    assert formatted(source) == source


def test_a_comment_that_does_not_fit_stands_above() -> None:
    short, long = to_source(Module("", [Line("x = 1", "y")])), Line("x = 1", "y " * 60)
    assert short == "x = 1  # y\n"
    assert [line[0] for line in to_source(Module("", [long])).splitlines()] == ["#", "#", "x"]


def test_a_helper_brings_what_it_uses(tmp_path: Path) -> None:
    text = (
        "import os\nfrom math import pi, tau\n\nSIZE = 2\n\n\ndef unused():\n    return tau\n\n\n"
        "def inner(x):\n    return pi * SIZE\n\n\n@property\ndef outer():\n    return inner(os)\n"
    )
    path = tmp_path / "helpers.py"
    path.write_text(text, encoding="utf-8")
    source, imports = helper_source(path, "outer")
    assert imports == ("import os", "from math import pi")
    assert "unused" not in source
    assert source.index("SIZE = 2") < source.index("def inner") < source.index("@property")
    with pytest.raises(KeyError):
        helper_source(path, "missing")


def test_a_helper_brings_what_it_uses_of_a_file_beside_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "dslc_mine"
    folder.mkdir()
    (folder / "helpers_low.py").write_text("import math\n\n\ndef low():\n    return math.pi\n")
    high = folder / "helpers_high.py"
    high.write_text("from dslc_mine.helpers_low import low\n\n\ndef high():\n    return low()\n")
    source, imports = helper_source(high, "high")
    assert imports == ("import math",)
    assert [line for line in source.splitlines() if "def " in line] == ["def low():", "def high():"]


def test_the_same_module_has_the_same_bytes_under_any_hash_seed() -> None:
    code = (
        "from dslc.emit.python import *\nm = Module('x')\n"
        "m.require('from torch import nn, Tensor, ones')\nm.require('import a, b, c, d')\n"
        "print(to_source(m))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            cwd=Path(__file__).parents[2],
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_the_formatter_can_disagree() -> None:
    assert all_formatted(["x = (  1)"]) == ["x = 1"]
