"""An output is whole or it is not there; what a person wrote is not lost."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dslc.files import MANIFEST, OutputError, write_atomic, write_tree

ROOT = Path(__file__).parents[2]
SIZE = 20_000_000


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.py"
    write_atomic(path, "x = 'é'\n", force=False)
    assert path.read_bytes() == "x = 'é'\n".encode()
    assert _names(path.parent) == ["model.py"]


def test_an_existing_file_is_kept_unless_forced_or_equal(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with pytest.raises(OutputError, match="--force"):
        write_atomic(path, "new", force=False)
    assert path.read_bytes() == b"old"
    write_atomic(path, b"old", force=False)
    write_atomic(path, "new", force=True)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("force", [False, True])
def test_nothing_goes_through_a_link(tmp_path: Path, force: bool) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    (tmp_path / "link").symlink_to(secret)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path)
    with pytest.raises(OutputError, match="symbolic link"):
        write_atomic(tmp_path / "link", "x", force=force)
    with pytest.raises(OutputError, match="symbolic link"):
        write_tree(tmp_path / "out", {"sub/secret": "x"}, force=force)
    assert secret.read_text() == "mine"


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "", "a//b", "a\\b", MANIFEST])
def test_a_generated_file_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="no name"):
        write_tree(tmp_path / "out", {name: "x"}, force=False)
    assert not (tmp_path / "a").exists()


def test_a_folder_or_a_pipe_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(OutputError, match="no regular file"):
            write_atomic(tmp_path / name, "x", force=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"):
        write_atomic(tmp_path / "file" / "below", "x", force=False)


def test_a_tree_is_written_again_but_not_over_an_edit(tmp_path: Path) -> None:
    files = {"model.py": "a\n", "sub/train.py": "b\n"}
    write_tree(tmp_path, files, force=False)
    write_tree(tmp_path, files, force=False)
    write_tree(tmp_path, {**files, "model.py": "c\n"}, force=False)
    assert (tmp_path / "model.py").read_text() == "c\n"
    (tmp_path / "sub" / "train.py").write_text("edited\n")
    with pytest.raises(OutputError, match=r"train\.py: edited by hand"):
        write_tree(tmp_path, files, force=False)
    assert (tmp_path / "model.py").read_text() == "c\n"
    assert (tmp_path / "sub" / "train.py").read_text() == "edited\n"
    write_tree(tmp_path, files, force=True)
    assert (tmp_path / "sub" / "train.py").read_text() == "b\n"


def test_a_file_that_dslc_did_not_write_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("mine")
    with pytest.raises(OutputError, match="not written by dslc"):
        write_tree(tmp_path, {"model.py": "x", "new.py": "y"}, force=False)
    assert _names(tmp_path) == ["model.py"]


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": {"a": 1}}', "\xff"])
def test_a_broken_manifest_protects_everything(tmp_path: Path, text: str) -> None:
    write_tree(tmp_path, {"a": "1"}, force=False)
    (tmp_path / MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(OutputError, match="edited by hand"):
        write_tree(tmp_path, {"a": "2"}, force=False)
    write_tree(tmp_path, {"a": "2"}, force=True)
    assert list(json.loads((tmp_path / MANIFEST).read_text())["files"]) == ["a"]


def _run(code: str) -> "subprocess.Popen[bytes]":
    """A process that says so once it can write."""
    code = f"from dslc.files import OutputError, write_atomic\nprint('ready', flush=True)\n{code}"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"old")
    process = _run(
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        f"    write_atomic({str(path)!r}, b'x' * 100_000, force=True)\n"
        "except OutputError:\n"
        "    sys.exit(7)"
    )
    process.communicate()
    assert process.returncode == 7
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["weights"]


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"A" * SIZE)
    loop = (
        "i = 0\nwhile True:\n    i += 1\n"
        f"    write_atomic({str(path)!r}, bytes([65 + i % 2]) * {SIZE}, force=True)"
    )
    halves = attempts = 0
    while attempts < 12 or (not halves and attempts < 200):  # a busy machine needs more
        attempts += 1
        process = _run(loop)
        time.sleep(0.02 + 0.0037 * (attempts % 40))
        process.kill()
        process.communicate()
        assert path.read_bytes() in (b"A" * SIZE, b"B" * SIZE)
        halves += len(_names(tmp_path)) > 1
    assert halves, "no kill met a write: the test shows nothing"
    write_atomic(path, "clean", force=True)
    assert _names(tmp_path) == ["file"]
