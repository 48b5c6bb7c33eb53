"""Imports: what reaches a file, what stays in it, and what may not be read."""

import json
import os
from pathlib import Path

import pytest

import dslc
from dslc.api import loads
from dslc.cli.main import main
from dslc.diagnostics import Report
from dslc.ir.graph import CallModule
from dslc.ir.walk import actions
from dslc.limits import DEFAULT_LIMITS
from dslc.loader import FolderLoader
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source

HEAD = "dslc: 1\nname: Net\n{imports}inputs:\n  x: f32[N, 16]\nsteps:\n{steps}"
LIBRARY = """\
dslc: 1
name: Library
params:
  width: 4
  inner: int = 2 * width
defaults:
  linear: {bias: false}
inputs:
  x: f32[N, 16]
where: [N >= 2]
blocks:
  Wide:
    params: {times: 1, out: int = times * width}
    steps:
      - linear: out
      - Inner
  Inner:
    steps:
      - linear: inner
steps:
  - Wide:
    name: wide
outputs: {wide: wide}
"""


PATHS = ["library.wide.linear.weight", "library.wide.inner.linear.weight"]
"""Where the weights of the library's model are, whatever the step is called."""


def spec(steps: str, imports: str = "imports: {lib: ./lib.yaml}\n") -> str:
    lines = "".join(f"  {line}\n" for line in steps.split("\n"))
    return HEAD.format(imports=imports, steps=lines)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "net.yaml"


@pytest.fixture
def library() -> str:
    return LIBRARY


def shapes(checked: Checked) -> dict[str, tuple[object, ...]]:
    return {info.path: info.shape for info in checked.weights()}


def codes(path: Path) -> list[str]:
    with pytest.raises(dslc.SpecError) as caught:
        dslc.load(path)
    return [item.code for item in caught.value.diagnostics]


def test_each_call_sets_the_params_of_the_file(tmp_path: Path, library: str) -> None:
    steps = (
        "- lib.Wide\n- lib.Wide: {width: 5}\n  name: five\n- lib.Wide: {times: 3}\n  name: three"
    )
    found = shapes(dslc.load(write(tmp_path, net=spec(steps), lib=library)).checked)
    assert found == {
        "wide.linear.weight": (4, 16),
        "wide.inner.linear.weight": (8, 4),
        "five.linear.weight": (5, 8),
        "five.inner.linear.weight": (10, 5),
        "three.linear.weight": (12, 10),
        "three.inner.linear.weight": (8, 12),
    }


def test_params_and_defaults_stay_in_their_files(tmp_path: Path, library: str) -> None:
    text = spec("- lib.Wide\n- linear: lib.inner + width").replace(
        "inputs:", "params: {width: 100}\ninputs:", 1
    )
    found = shapes(dslc.load(write(tmp_path, net=text, lib=library), width=7).checked)
    assert found["wide.linear.weight"] == (4, 16)
    assert found["linear.weight"] == (15, 8)
    assert found["linear.bias"] == (15,)


def test_a_block_may_have_a_param_of_the_name_of_its_files(tmp_path: Path) -> None:
    lib = LIBRARY.split("blocks:")[0] + (
        "blocks:\n  Own:\n    params: {width: int = 3 * width}\n    steps:\n"
        "      - linear: width\n      - Inner\n"
        "  Inner:\n    steps:\n      - linear: inner + width\nsteps:\n  - Own\n"
    )
    steps = "- lib.Own\n- lib.Own: {width: 1}\n  name: one"
    found = shapes(dslc.load(write(tmp_path, net=spec(steps), lib=lib)).checked)
    assert [found[f"{name}.linear.weight"][0] for name in ("own", "one")] == [12, 1]
    assert [found[f"{name}.inner.linear.weight"][0] for name in ("own", "one")] == [12, 12]


def test_one_file_reached_twice_is_one(tmp_path: Path, library: str) -> None:
    middle = spec("- deep.Wide", "imports: {deep: ./lib.yaml}\n").replace(
        "steps:", "blocks:\n  Middle:\n    steps:\n      - deep.Wide\nsteps:", 1
    )
    net = spec("- lib.Wide\n- mid.Middle", "imports: {mid: ./middle.yaml, lib: ./lib.yaml}\n")
    found = dslc.load(write(tmp_path, net=net, middle=middle, lib=library)).checked
    assert sorted(found.program.modules) == ["Inner", "Middle", "Net", "Wide"]


def test_names_are_distinct_where_two_files_share_one(tmp_path: Path, library: str) -> None:
    net = spec("- Wide\n- one.Wide\n- two.Wide", "imports: {one: ./a.yaml, two: ./b.yaml}\n")
    net = net.replace("steps:", "blocks:\n  Wide:\n    steps:\n      - relu\nsteps:", 1)
    found = dslc.load(write(tmp_path, net=net, a=library, b=library)).checked
    names = ["Net", "OneInner", "OneWide", "TwoInner", "TwoWide", "Wide"]
    assert sorted(found.program.modules) == names
    called = [a for _, a in actions(found.program.modules["Net"].body)]
    assert [a.module for a in called if isinstance(a, CallModule)] == ["Wide", "OneWide", "TwoWide"]


def test_a_model_is_called_once_with_its_outputs_and_facts(tmp_path: Path, library: str) -> None:
    steps = "- lib.Library: {width: 3}\n  name: part\n- relu:\n  from: part.wide"
    net = spec(steps)
    assert codes(write(tmp_path, net=net, lib=library)) == ["E0311"]
    net = net.replace("steps:", "where: [N >= 2]\nsteps:", 1)
    found = dslc.load(write(tmp_path, net=net, lib=library))
    assert str(found.outputs["output"].type) == "f32[N, 6]"
    other = net + "  - lib.Library:\n    from: x\n    name: again\n"
    assert codes(write(tmp_path, net=other)) == ["E1010"]
    again = net + "  - reuse: part\n    from: x\n"
    twice = net + "  - lib.Library: {width: 3}\n    from: x\n    name: again\n"
    for text in (again, twice):
        paths = [weight.path for weight in dslc.load(write(tmp_path, net=text)).checked.weights()]
        assert paths == PATHS


def test_a_model_that_repeats_has_one_set(tmp_path: Path, library: str) -> None:
    lib = library.split("steps:\n  - Wide")[0] + "steps:\n  - linear: 16\n    name: map\n"
    net = spec("- lib.Library:\n  name: part\n  repeat: 3").replace(
        "steps:", "where: [N >= 2]\nsteps:", 1
    )
    found = dslc.load(write(tmp_path, net=net, lib=lib)).checked
    assert [weight.path for weight in found.weights()] == ["library.map.weight"]


def test_required_params_are_asked_of_the_call(tmp_path: Path, library: str) -> None:
    lib = library.replace("width: 4", "width: int")
    assert codes(write(tmp_path, net=spec("- lib.Wide"), lib=lib)) == ["E0703"]
    dslc.load(write(tmp_path, net=spec("- lib.Wide: {width: 2}")))
    assert codes(write(tmp_path, net=spec("- linear: lib.width"))) == ["E1008"]


def test_the_hash_covers_imported_files(tmp_path: Path, library: str) -> None:
    net = write(tmp_path, net=spec("- lib.Wide"), lib=library)
    before = dslc.load(net).checked.program.digest
    write(tmp_path, lib=library + "# changed\n")
    assert dslc.load(net).checked.program.digest != before


@pytest.mark.parametrize("reference", ["./out/lib.yaml", "./link.yaml", "./inside/../../lib.yaml"])
def test_no_import_leaves_the_root(tmp_path: Path, library: str, reference: str) -> None:
    root = tmp_path / "root"
    write(tmp_path, lib=library)
    net = write(root, net=spec("- lib.Wide", f"imports: {{lib: {reference}}}\n"))
    (root / "out").symlink_to(tmp_path)
    (root / "link.yaml").symlink_to(tmp_path / "lib.yaml")
    assert codes(net) == ["E1003"]


def test_links_inside_the_root_lead_to_the_same_file(tmp_path: Path, library: str) -> None:
    net = spec("- a.Wide\n- b.Wide", "imports: {a: ./lib.yaml, b: ./link.yaml}\n")
    path = write(tmp_path, net=net, lib=library)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "lib.yaml")
    assert sorted(dslc.load(path).checked.program.modules) == ["Inner", "Net", "Wide"]


def test_pipes_and_huge_files_are_not_read(tmp_path: Path) -> None:
    net = write(tmp_path, net=spec("- lib.Wide"))
    os.mkfifo(tmp_path / "lib.yaml")
    assert codes(net) == ["E1002"]
    (tmp_path / "lib.yaml").unlink()
    write(tmp_path, lib="# " + "x" * DEFAULT_LIMITS.file_bytes)
    assert codes(net) == ["E1002"]
    (tmp_path / "lib.yaml").write_bytes(b"dslc: \xff")
    assert codes(net) == ["E0101"]


def test_the_number_of_files_is_bounded(tmp_path: Path, library: str) -> None:
    text = spec("- a.Wide\n- b.Wide", "imports: {a: ./a.yaml, b: ./b.yaml}\n")
    path = write(tmp_path, net=text, a=library, b=library)
    source, report = Source(str(path), text), Report()
    limits = DEFAULT_LIMITS.override("imports", 1)
    check_source(source, report, None, limits, FolderLoader(source, limits))
    assert [item.code for item in report.diagnostics] == ["E0909"]


def test_a_text_imports_from_the_zoo_alone() -> None:
    with pytest.raises(dslc.SpecError, match="belongs to no folder"):
        loads(spec("- lib.Wide"))
    text = spec("- lib.Wide", "imports: {lib: zoo:resnet}\n")
    with pytest.raises(dslc.SpecError, match="the zoo has no spec"):
        loads(text)


def test_an_editor_gives_texts_that_are_not_saved(tmp_path: Path, library: str) -> None:
    text = spec("- lib.Wide")
    source, report = Source(str(tmp_path / "net.yaml"), text), Report()
    loader = FolderLoader(source, DEFAULT_LIMITS, unsaved={str(tmp_path / "lib.yaml"): library})
    assert check_source(source, report, loader=loader) is not None


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_other_forms_name_the_imported_file(
    tmp_path: Path,
    library: str,
    form: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lib = library.replace("- linear: out", "- lineer: out")
    write(tmp_path, net=spec("- lib.Wide"), **{"parts/lib": lib})
    write(tmp_path, net=spec("- lib.Wide", "imports: {lib: ./parts/lib.yaml}\n"))
    monkeypatch.chdir(tmp_path)
    assert main(["check", "net.yaml", "--format", form]) == 1
    printed = capsys.readouterr().out
    if form == "json":
        (found,) = json.loads(printed)["diagnostics"]
        assert (found["file"], found["line"], found["column"]) == ("parts/lib.yaml", 15, 9)
        assert json.loads(printed)["file"] == "net.yaml"
    elif form == "sarif":
        (result,) = json.loads(printed)["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "parts/lib.yaml"
    else:
        assert printed.startswith("::error file=parts/lib.yaml,line=15,")


def test_a_built_spec_stands_alone(tmp_path: Path, library: str) -> None:
    from dslc.emit.resolved import spec_files

    net = spec("- lib.Wide", "imports:\n  lib: './lib.yaml'  # here\n  res: zoo:resnet50\n")
    before = dslc.load(write(tmp_path, net=net, lib=library)).checked
    files = spec_files(before)
    assert sorted(files) == ["imports/lib.yaml", "imports/res.yaml", "net.yaml"]
    assert "  lib: ./imports/lib.yaml  # here\n" in str(files["net.yaml"])
    for name, text in files.items():
        path = tmp_path / "built" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(text))
    after = dslc.load(tmp_path / "built" / "net.yaml").checked
    assert shapes(after) == shapes(before)


def test_a_folder_is_the_root_of_its_specs(
    tmp_path: Path, library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    net = spec("- lib.Wide", "imports: {lib: ../lib.yaml}\n")
    write(tmp_path, **{"parts/net": net, "lib": library})
    assert main(["check", str(tmp_path)]) == 0
    assert main(["check", str(tmp_path / "parts" / "net.yaml")]) == 1
    assert "E1003" in capsys.readouterr().err


def test_formulas_read_params_of_files(tmp_path: Path) -> None:
    lib = LIBRARY.split("blocks:")[0] + (
        "blocks:\n  Scale:\n    steps:\n      - expr: x * inner\nsteps:\n  - Scale\n"
    )
    net = spec("- lib.Scale\n- lib.Scale: {width: 5}\n- expr: x + lib.width")
    program = dslc.load(write(tmp_path, net=net, lib=lib)).checked.program
    assert [param.name for param in program.modules["Scale"].params] == ["inner"]
    wrong = spec("- expr: x + lib.wide\n- expr: x + lip.width")
    assert codes(write(tmp_path, net=wrong)) == ["E1006", "E0404"]


def test_a_file_of_blocks_alone_is_for_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = "dslc: 1\nname: Parts\nblocks:\n  Wide:\n    steps:\n      - linear: 8\n"
    net = write(tmp_path, lib=blocks, net=spec("- lib.Wide:\n  name: wide"))
    assert main(["check", str(net)]) == 0
    assert main(["check", str(net.with_name("lib.yaml"))]) == 1
    assert "blocks alone are for other specs to import" in capsys.readouterr().err
