"""The portable weight file: whole or not there, and nothing hostile gets through."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save

from dslc.train.runtime.weights import match, read, write

ARRAYS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array(2.5, np.float32),
    "empty": np.zeros((0, 4), np.float32),
    "ids": np.array([1, -2], np.int64),
    "half": np.array([0.5], np.float16),
}


def same(left, right):
    return set(left) == set(right) and all(
        left[k].dtype == right[k].dtype and np.array_equal(left[k], right[k]) for k in left
    )


def file_of(path: Path, header: object, body: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_round_trip_and_agreement_with_the_library(tmp_path):
    path = tmp_path / "w.safetensors"
    write(path, ARRAYS)
    assert same(read(path), ARRAYS)
    assert same(load_file(path), ARRAYS)
    assert list(tmp_path.iterdir()) == [path]


def test_views_are_written_as_they_read(tmp_path):
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    arrays = {"transposed": base.T, "strided": base[:, ::2], "big": base.astype(">f4")}
    write(tmp_path / "w", arrays)
    found = read(tmp_path / "w")
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())


def test_bfloat16_is_widened(tmp_path):
    path = file_of(tmp_path / "w", {"a": entry("BF16", (2,), (0, 4))}, b"\x80\x3f\x20\xc0")
    assert read(path)["a"].tolist() == [1.0, -2.5]


HOSTILE = {
    "duplicate": (b'{"a":%b,"a":%b}' % ((json.dumps(entry()).encode(),) * 2), "twice"),
    "not JSON": (b"{nonsense}", "not JSON"),
    "not UTF-8": (b'{"\xff": 1}', "not UTF-8"),
    "a list": (b"[]", "not a JSON object"),
    "nested": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
    "no shape": ({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, "needs a dtype, a shape"),
    "unknown dtype": ({"a": entry("F8_E4M3")}, "dtype that is not read"),
    "negative size": ({"a": entry(shape=(-2,))}, "impossible shape"),
    "huge size": ({"a": entry(shape=(2**62, 2**62))}, "impossible shape"),
    "fraction": ({"a": entry(shape=(2.0,))}, "impossible shape"),
    "true": ({"a": entry(shape=(True, 2))}, "impossible shape"),
    "shape too large": ({"a": entry(shape=(1000,))}, "needs 4000 bytes by its shape and has 8"),
    "beyond the end": ({"a": entry(shape=(4,), offsets=(0, 16))}, "cut short or damaged"),
    "negative offset": ({"a": entry(offsets=(-8, 0))}, "impossible offsets"),
    "overlap": ({"a": entry(), "b": entry(shape=(1,), offsets=(4, 8))}, "overlaps"),
    "gap": ({"a": entry(shape=(1,), offsets=(4, 8))}, "gap"),
    "trailing bytes": ({"a": entry(shape=(1,), offsets=(0, 4))}, "cut short or damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path, name):
    header, reason = HOSTILE[name]
    path = file_of(tmp_path / "w.safetensors", header, bytes(8))
    with pytest.raises(ValueError, match=re.escape(f"{path}: ") + ".*" + reason):
        read(path)


def test_every_truncation_is_refused(tmp_path):
    whole = save({"a": np.ones((3, 2), np.float32), "b": np.ones(1, np.float32)})
    path = tmp_path / "w"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut short|not JSON"):
            read(path)


@given(st.data())
def test_fuzz_damage_never_raises_anything_else(tmp_path_factory, data):
    whole = bytearray(save({"a": np.ones((3, 2), np.float32), "b": np.ones(1, np.float32)}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / "w"
    path.write_bytes(whole)
    fault, found = "", {}
    try:
        found = read(path)
    except ValueError as error:
        fault = str(error)
    assert fault.startswith(str(path)) or len(found) == 2


def test_a_pipe_and_a_folder_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ValueError, match="not a regular file"):
            read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")


def test_match_orders_and_widens():
    found = match(
        {"b": np.ones(2, np.float16), "a": np.ones((1, 2), np.float32)}, {"a": (1, 2), "b": (2,)}
    )
    assert list(found) == ["a", "b"]
    assert {array.dtype.name for array in found.values()} == {"float32"}


def test_match_lists_every_fault():
    arrays = {
        "head.weigth": np.zeros((2, 3), np.float32),
        "stem.weight": np.zeros((3, 2), np.float32),
        "stem.bias": np.zeros(2, np.float64),
    }
    shapes = {"head.weight": (2, 3), "stem.weight": (2, 3), "stem.bias": (2,)}
    with pytest.raises(ValueError, match="do not fit") as caught:
        match(arrays, shapes, source="w.safetensors")
    assert str(caught.value).splitlines() == [
        "w.safetensors do not fit the model:",
        "  head.weight: missing (nearest: head.weigth)",
        "  head.weigth: not in the model (nearest: head.weight)",
        "  stem.weight: has shape [3, 2], expected [2, 3]",
        "  stem.bias: is float64, expected float32",
    ]


WRITER = """
import sys, numpy as np
from dslc.train.runtime.weights import write
print("ready", flush=True)
for i in range(10**6):
    write(sys.argv[1], {"a": np.full(200_000, i, np.float32)})
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    path = tmp_path / "w.safetensors"
    write(path, {"a": np.zeros(200_000, np.float32)})
    for delay in (0.01, 0.03, 0.05, 0.02, 0.04, 0.015):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd()
        ) as process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(delay)
            process.kill()
        values = read(path)["a"]
        assert values.size == 200_000
        assert (values == values[0]).all()


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "w.safetensors"
    write(path, {"a": np.zeros(2, np.float32)})
    before = path.read_bytes()
    with pytest.raises(Exception, match=r"object|dtype|type"):
        write(path, {"a": np.array([object()])})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
