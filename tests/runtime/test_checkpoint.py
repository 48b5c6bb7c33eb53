"""Checkpoints: whole after a kill at any moment, and a broken one is noticed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dslc.train.runtime import checkpoint
from dslc.train.runtime.checkpoint import clean, load, newest, save

SPEC = "sha256:00"


def arrays_of(step: int, size: int = 10):
    weights = {"a.weight": np.full((2, size), step, np.float32), "b": np.array(step, np.float32)}
    return {"weights": weights, "optimizer": {"mean.b": np.full(size, step, np.float32)}}


def put(root: Path, step: int, **options):
    return save(root, step, arrays_of(step), {"epoch": step // 10, "best": 0.1}, SPEC, **options)


def folders(root: Path):
    return sorted(path.name for path in root.iterdir())


def test_round_trip(tmp_path):
    assert newest(tmp_path / "none") is None
    put(tmp_path, 12)
    found = newest(tmp_path)
    assert (found.step, found.spec, found.state) == (12, SPEC, {"epoch": 1, "best": 0.1})
    loaded = load(found)
    assert set(loaded) == {"weights", "optimizer"}
    for group, arrays in arrays_of(12).items():
        assert set(loaded[group]) == set(arrays)
        assert all(np.array_equal(loaded[group][name], arrays[name]) for name in arrays)


def test_older_ones_go(tmp_path):
    for step in (1, 2, 3, 4):
        put(tmp_path, step, keep=3)
    assert folders(tmp_path) == ["step-00000002", "step-00000003", "step-00000004"]
    put(tmp_path, 5, keep=1)
    assert folders(tmp_path) == ["step-00000005"]


def test_more_digits_come_last(tmp_path):
    put(tmp_path, 99_999_999)
    put(tmp_path, 100_000_000)
    assert newest(tmp_path).step == 100_000_000


def test_the_same_step_again_replaces(tmp_path):
    put(tmp_path, 3)
    save(tmp_path, 3, arrays_of(7), {}, SPEC)
    assert load(newest(tmp_path))["weights"]["b"] == 7
    assert folders(tmp_path) == ["step-00000003"]


def damage(folder: Path, how: str) -> None:
    file = folder / "optimizer.safetensors"
    match how:
        case "flipped bit":
            data = bytearray(file.read_bytes())
            data[-1] ^= 1
            file.write_bytes(data)
        case "cut short":
            file.write_bytes(file.read_bytes()[:-1])
        case "missing file":
            file.unlink()
        case "extra file":
            (folder / "more.safetensors").write_bytes(b"")
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "manifest cut short":
            text = (folder / "manifest.json").read_text()
            (folder / "manifest.json").write_text(text[:-10])
        case "manifest of another kind":
            (folder / "manifest.json").write_text("[]")
        case "files of another kind":
            (folder / "manifest.json").write_text('{"step": 2, "spec": "", "files": []}')
        case "deep manifest":
            (folder / "manifest.json").write_text('{"a":' + "[" * 100_000 + "]" * 100_000 + "}")
        case "another step":
            manifest = json.loads((folder / "manifest.json").read_text())
            (folder / "manifest.json").write_text(json.dumps(manifest | {"step": 9}))
        case "link":
            file.rename(folder.parent / "elsewhere")
            file.symlink_to(folder.parent / "elsewhere")
        case _:
            raise AssertionError(how)


@pytest.mark.parametrize(
    "how",
    [
        *("flipped bit", "cut short", "missing file", "extra file", "no manifest", "link"),
        *("manifest cut short", "manifest of another kind", "files of another kind"),
        *("deep manifest", "another step"),
    ],
)
def test_a_broken_one_is_named_and_passed_over(tmp_path, how):
    put(tmp_path, 1)
    damage(put(tmp_path, 2), how)
    with pytest.warns(UserWarning, match=r"step-00000002: broken, passed over"):
        assert newest(tmp_path).step == 1


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    put(tmp_path, 1)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_write_json", full)
    with pytest.raises(OSError, match="No space"):
        put(tmp_path, 2)
    assert folders(tmp_path) == ["step-00000001"]


def test_the_manifest_comes_last_and_the_name_after_it(tmp_path, monkeypatch):
    events = []
    flush, rename = checkpoint._flush, Path.rename
    monkeypatch.setattr(checkpoint, "_flush", lambda p: (events.append(p.name), flush(p)))
    monkeypatch.setattr(
        Path, "rename", lambda self, to: (events.append("rename"), rename(self, to))[1]
    )
    put(tmp_path, 1)
    files = {"manifest.json", "optimizer.safetensors", "state.json", "weights.safetensors"}
    assert set(events[:4]) == files
    assert events[4:] == [".partial-step-00000001", "rename", tmp_path.name]


def test_clean_removes_leftovers_and_restores_what_was_being_replaced(tmp_path):
    put(tmp_path, 1)
    put(tmp_path, 2).rename(tmp_path / ".replaced-step-00000002")
    (tmp_path / ".partial-step-00000003").mkdir()
    (tmp_path / ".replaced-step-00000001").mkdir()
    clean(tmp_path)
    assert folders(tmp_path) == ["step-00000001", "step-00000002"]
    clean(tmp_path / "none")


SAVER = """
import sys, itertools
from pathlib import Path
import numpy as np
from dslc.train.runtime.checkpoint import clean, newest, save
root = Path(sys.argv[1])
clean(root)
found = newest(root)
print("ready", flush=True)
for step in itertools.count(found.step + 1 if found else 1):
    group = {"a": np.full(100_000, step, np.float32)}
    save(root, step, {"weights": group, "optimizer": group}, {"step": step}, "spec")
    if step % 3 == 0:
        save(root, step, {"weights": group, "optimizer": group}, {"step": step}, "spec")
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path):
    generator = np.random.default_rng(0)
    last = 0
    for _ in range(15):
        with subprocess.Popen(
            [sys.executable, "-c", SAVER, str(tmp_path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(generator.uniform(0.0, 0.12))
            process.kill()
        clean(tmp_path)
        assert not [name for name in folders(tmp_path) if name.startswith(".")]
        found = newest(tmp_path)  # a warning would fail the test
        if found is None:
            assert last == 0
            continue
        arrays = load(found)
        assert found.step >= last
        assert found.state == {"step": found.step}
        assert all((group["a"] == found.step).all() for group in arrays.values())
        last = found.step
    assert last > 10
