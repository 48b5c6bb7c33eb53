"""`dslc check --fix`: misspelt words are mended in place, all else stays as it is."""

import json
import re
from pathlib import Path

import pytest

from dslc.cli.main import main
from dslc.diagnostics import Report
from dslc.diagnostics.catalogue import codes, lookup
from dslc.passes.pipeline import check_source
from dslc.source import Source

WRONG = """\
dslc: 1
name: Net   # a comment that stays
prams: {width: 8}
inputs:
  image: float32[N, 3, 32, 32]
steps:
  - conv2d: {out: 64, kernal: 3, bias: false}
    name: stem
  - batchnorm:
    name: norm
    form: stem
  - gelu: tahn
  - global_avg_pool
  - linear: widht
    name: head
outputs: {y: hed}
"""
MENDS = {
    "prams": "params",
    "float32": "f32",
    "kernal": "kernel",
    "batchnorm": "batch_norm",
    "form": "from",
    "tahn": "tanh",
    "widht": "width",
    "hed": "head",
}


def test_misspelt_words_are_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(WRONG.replace("\n", "\r\n").encode())
    expected = WRONG.replace("form: stem", "from: stem")
    for wrong, right in MENDS.items():
        expected = expected.replace(f" {wrong}", f" {right}").replace(f"\n{wrong}", f"\n{right}")
    main(["check", str(path), "--fix"])
    assert path.read_bytes().decode() == expected.replace("\n", "\r\n"), capsys.readouterr().err


def test_a_program_can_apply_the_edits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(WRONG.replace("    form: stem\n", ""))
    assert main(["check", str(path), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["diagnostics"]
    lines = path.read_text().split("\n")
    for item in found:
        for edit in item.get("fix", ()):
            assert edit["line"] == edit["end_line"]
            word = lines[edit["line"] - 1][edit["column"] - 1 : edit["end_column"] - 1]
            assert MENDS[word] == edit["text"]
    assert sum(len(item.get("fix", ())) for item in found) >= 5


def test_a_right_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("dslc: 1\nname: Net\ninputs: {x: 'f32[N, 4]'}\nsteps:\n  - relu\n")
    before = path.stat().st_mtime_ns
    assert main(["check", str(path), "--fix"]) == 0
    assert path.stat().st_mtime_ns == before


EXAMPLES = [code for code in codes() if lookup(code).bad.startswith("dslc: 1")]
CASES = sorted((Path(__file__).parents[1] / "errors" / "cases").glob("*.yaml"))


def has_fix(text: str) -> bool:
    """Whether some mistake of a spec has a mechanical mend."""
    report = Report()
    check_source(Source("net.yaml", text), report)
    return any(item.fix for item in report.diagnostics)


@pytest.mark.parametrize("code", [c for c in EXAMPLES if has_fix(lookup(c).bad)])
def test_an_example_that_has_a_mend_is_right_after_it(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(lookup(code).bad)
    assert main(["check", str(path), "--fix"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_no_mend_leaves_its_mistake(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.read_bytes())
    main(["check", str(path), "--format", "json"])
    before = json.loads(capsys.readouterr().out)["diagnostics"]
    mended = {(i["code"], i["message"], i["line"]) for i in before if i.get("fix")}
    if not mended:
        return
    main(["check", str(path), "--fix", "--format", "json"])
    printed = capsys.readouterr()
    assert re.search(r": [1-9][0-9]* mended", printed.err)
    after = {(i["code"], i["message"], i["line"]) for i in json.loads(printed.out)["diagnostics"]}
    assert not mended & after
