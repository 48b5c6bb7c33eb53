"""The commands as a user calls them: what they print, where, and their exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dslc.cli.main import COMMANDS, main
from dslc.diagnostics.catalogue import codes
from dslc.ops import all_ops
from dslc.tools.library import templates, zoo

ROOT = Path(__file__).parents[2]
RESNET = str(ROOT / "specs" / "zoo" / "resnet50.yaml")
DSLC = str(Path(sys.executable).with_name("dslc"))
HEAVY = (
    "numpy",
    "jsonschema",
    "torch",
    "tensorflow",
    "jax",
    "onnx",
    "keras",
    "dataclasses",
    "typing",
)
WRONG = "dslc: 1\nname: Net\ninputs:\n  x: f32[N, 8]\nsteps:\n  - lineer: 10\n"
RIGHT = "dslc: 1\nname: Net\ninputs:\n  x: f32[N, 8]\nsteps:\n  - linear: 10\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(RIGHT)
    (tmp_path / "wrong.yaml").write_text(WRONG)
    return tmp_path


def test_every_command_has_its_file_and_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        text = capsys.readouterr().out
        assert f"usage: dslc {name}" in text
        assert f"example: dslc {name}" in text


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["chekc"],
        ["check"],
        ["check", "absent.yaml"],
        ["check", "net.yaml", "--unknown"],
        ["check", "net.yaml", "--set", "width"],
        ["check", "net.yaml", "--set", "width=3"],
        ["check", "net.yaml", "--set", "width="],
        ["check", "net.yaml", "--set", "width=[1"],
        ["check", "net.yaml", "--limit", "steps=no"],
        ["check", "net.yaml", "--limit", "stepz=3"],
        ["check", "."],
        ["summary", "net.yaml", "--input", "y=1,8"],
        ["summary", "net.yaml", "--input", "x=1,9"],
        ["summary", "net.yaml", "--input", "x=1"],
        ["summary", "net.yaml", "--input", "x=0,8"],
        ["build", "net.yaml", "--backend", "tensorflow"],
        ["build", "net.yaml"],
        ["export", "net.yaml", "--weights", "absent.safetensors"],
        ["explain", "E9999"],
        ["ops", "lineer"],
        ["init", "nothing"],
        ["zoo", "nothing"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_exits_2_with_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    (folder / "wrong.yaml").unlink()
    if arguments == ["check", "."]:
        (folder / "net.yaml").unlink()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    assert "bug" not in printed.err


def test_check_prints_results_and_errors_apart(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "net.yaml"]) == 0
    assert capsys.readouterr().out == "net.yaml: ok\n"
    assert main(["check", "."]) == 1
    printed = capsys.readouterr()
    assert printed.out == "net.yaml: ok\n"
    assert "--> wrong.yaml:6:5" in printed.err


def test_check_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "net.yaml", "wrong.yaml", "--format", "json"]) == 1
    right, wrong = map(json.loads, capsys.readouterr().out.splitlines())
    assert right == {"file": "net.yaml", "ok": True, "diagnostics": [], "facts": []}
    (found,) = wrong["diagnostics"]
    assert (found["code"], found["line"], found["column"]) == ("E0501", 6, 5)
    assert main(["check", RESNET, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["facts"] == ["H >= 32", "W >= 32"]


def test_check_as_sarif_and_for_github(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "wrong.yaml", "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    (result,) = log["runs"][0]["results"]
    assert (log["version"], result["ruleId"]) == ("2.1.0", "E0501")
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"], region["endColumn"]) == (6, 5, 11)
    assert main(["check", "wrong.yaml", "--format", "github"]) == 1
    line = capsys.readouterr().out
    assert line.startswith("::error file=wrong.yaml,line=6,endLine=6,col=5,endColumn=10,title=dslc")


def test_strict_makes_warnings_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "net.yaml").write_text(RIGHT.replace("name: Net\n", "name: Net\ndoc: layer #3\n"))
    assert main(["check", "net.yaml"]) == 0
    assert "warning[W0101]" in capsys.readouterr().err
    assert main(["check", "net.yaml", "--strict"]) == 1
    printed = capsys.readouterr()
    assert "error[W0101]" in printed.err
    assert printed.out == ""
    assert main(["check", "net.yaml", "--strict", "--format", "json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (found["code"], found["severity"]) == ("W0101", "error")


def test_set_overrides_a_param(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", RESNET, "--set", "classes=10", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["outputs"] == {"logits": "f32[N, 10]"}


def test_limits_can_be_lowered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", RESNET, "--limit", "steps=20"]) == 1
    assert "error[E0905]" in capsys.readouterr().err
    assert main(["check", RESNET, "--limit", "weight_bytes=1000"]) == 1
    assert "error[E0907]" in capsys.readouterr().err


def test_repeats_of_repeats_are_counted_before_they_are_walked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = "- relu\n"
    for depth in range(5):
        inner = "".join(f"  {line}\n" for line in steps.splitlines())
        steps = f"- group:\n  {inner.replace(chr(10), chr(10) + '  ').rstrip()}\n  repeat: 100\n"
        assert depth < 5
    body = "".join(f"  {line}\n" for line in steps.splitlines())
    (folder / "bomb.yaml").write_text(RIGHT.split("steps:")[0] + "steps:\n" + body)
    assert main(["check", "bomb.yaml"]) == 1
    assert "error[E0905]" in capsys.readouterr().err


def test_cold_check_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom dslc.cli.main import main\n"
        f"status = main(['check', {RESNET!r}])\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'imported: {found}' if found or status else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{DSLC} schema | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] in ("0", "141")


def test_no_color_without_a_terminal(folder: Path) -> None:
    done = subprocess.run([DSLC, "check", "wrong.yaml"], capture_output=True, check=False)
    assert b"\x1b" not in done.stderr


def test_the_same_text_for_any_hash_seed(folder: Path) -> None:
    texts = {
        subprocess.run(
            [DSLC, "check", "wrong.yaml", RESNET, "--set", "clazzes=3"],
            capture_output=True,
            env={"PYTHONHASHSEED": seed},
            check=False,
        ).stderr
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1


def test_explain_tells_every_code(capsys: pytest.CaptureFixture[str]) -> None:
    for code in codes():
        assert main(["explain", code.lower()]) == 0
        assert capsys.readouterr().out.startswith(f"{code}: ")


def test_ops_shows_every_op(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops"]) == 0
    listing = capsys.readouterr().out
    for name, op in all_ops().items():
        assert f"  {name} " in listing
        assert main(["ops", name]) == 0
        page = capsys.readouterr().out
        assert all(f"`{attribute}`" in page for attribute in op.attributes)


@pytest.mark.parametrize("name", [*templates(), *zoo()])
def test_init_writes_a_spec_that_is_right(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["init", name, "-o", "new.yaml"]) == 0
    strict = [] if name == "resnet50" else ["--strict"]  # it leaves steps without names on purpose
    assert main(["check", "new.yaml", *strict]) == 0
    assert main(["init", "classifier", "-o", "wrong.yaml"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["init", "classifier", "-o", "wrong.yaml", "--force"]) == 0


def test_a_bug_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import dslc.cli.zoo

    def fail(_: list[str]) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr(dslc.cli.zoo, "run", fail)
    monkeypatch.delenv("DSLC_DEBUG", raising=False)
    assert main(["zoo"]) == 2
    printed = capsys.readouterr().err
    assert "bug in dslc: RuntimeError: boom" in printed
    assert "Traceback" not in printed
