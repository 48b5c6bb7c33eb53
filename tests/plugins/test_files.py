"""Ops from a Python file beside the spec: only with leave, and in the project that is built."""

from collections.abc import Generator
from pathlib import Path

import pytest

from dslc import plugin
from dslc.api import load
from dslc.cli.main import main
from dslc.diagnostics import SpecError
from dslc.ops.base import REGISTRY

SPEC = """
dslc: 1
name: Net
ops: [./lib/my_ops.py]
inputs: {x: 'f32[N, 8]'}
steps:
  - halve
  - linear: 4
""".lstrip()
OPS = '''
from pathlib import Path

from dslc.plugin import Elementwise, rule


class Halve(Elementwise):
    """Half of it. Source: arithmetic."""

    family = "arithmetic"


@rule("torch", Halve, helpers=str(Path(__file__).with_name("my_torch.py")))
def in_torch(c):
    return f"{c.helper('halve')}({c.x})"
'''
HELPER = '''
from torch import Tensor


def halve(x: Tensor) -> Tensor:
    """Half of it."""
    return x / 2
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A spec beside its ops; what they register is forgotten again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(SPEC)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "my_ops.py").write_text(OPS)
    (tmp_path / "lib" / "my_torch.py").write_text(HELPER)
    for kept, name in ((plugin, "RULES"), (plugin, "HELPERS"), (plugin, "_FILES")):
        monkeypatch.setattr(kept, name, {})
    yield tmp_path
    forget()


def forget() -> None:
    """Takes what files declared out of the registry."""
    own = [name for name, op in REGISTRY.items() if op.__module__.startswith("dslc_own_")]
    for name in own:
        del REGISTRY[name]


@pytest.mark.usefixtures("folder")
def test_a_file_runs_only_with_leave(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "net.yaml"]) == 1
    assert "E1011" in capsys.readouterr().err
    assert "halve" not in REGISTRY
    assert main(["check", "net.yaml", "--allow-plugins"]) == 0


@pytest.mark.usefixtures("folder")
def test_python_gives_leave_by_running_it() -> None:
    with pytest.raises(SpecError, match="E1011"):
        load("net.yaml")
    plugin.load("lib/my_ops.py")
    assert [port.name for port in load("net.yaml").outputs.values()] == ["output"]


def test_a_file_that_changed_is_not_run_again(folder: Path) -> None:
    plugin.load("lib/my_ops.py")
    with (folder / "lib" / "my_ops.py").open("a") as file:
        file.write("# more\n")
    with pytest.raises(plugin.PluginError, match="has changed since it was run"):
        plugin.load("lib/my_ops.py")
    with pytest.raises(SpecError, match="E1011"):
        load("net.yaml")


def test_the_project_holds_the_files_and_compiles_to_itself(folder: Path) -> None:
    build = ["build", "--backend", "torch", "--allow-plugins"]
    assert main([*build, "net.yaml", "-o", "one"]) == 0
    assert "def halve(x: Tensor)" in (folder / "one" / "model.py").read_text()
    assert (folder / "one" / "ops" / "lib" / "my_torch.py").read_text() == HELPER
    forget()
    plugin.RULES.clear()
    plugin.HELPERS.clear()
    assert main([*build, "one/net.yaml", "-o", "two"]) == 0
    texts = [(folder / name / "model.py").read_text().split("\n", 4)[-1] for name in ("one", "two")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("reference", "text", "message"),
    [
        ("./lib/my_ops.txt", "", "is no path of a Python file"),
        ("./lib/none.py", "", "cannot read lib/none.py"),
        ("../my_ops.py", "", "leaves the project's folder"),
        ("./lib/bad.py", "def f(:", "lib/bad.py cannot be run: SyntaxError: invalid syntax"),
        ("./lib/bad.py", "x = 1\n1 / 0", "ZeroDivisionError: division by zero (line 2)"),
        ("./lib/bad.py", "x = 1", "lib/bad.py declares no op"),
        ("./lib/bad.py", OPS.replace("Halve", "Relu"), "two ops are called 'relu'"),
    ],
)
def test_a_wrong_file_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], reference: str, text: str, message: str
) -> None:
    (folder / "net.yaml").write_text(SPEC.replace("./lib/my_ops.py", reference))
    (folder / "lib" / "bad.py").write_text(text)
    assert main(["check", "net.yaml", "--allow-plugins"]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("error[") == 1
