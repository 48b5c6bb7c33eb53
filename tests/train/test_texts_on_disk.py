"""Texts that stay on disk: the same rows as in memory, of every format, in little memory."""

import csv
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest

from dslc.train.runtime.data_text_files import BLOCK, read_lines, read_lines_to_disk, read_whole
from tests.train.data_projects import CLASSES, LANGUAGE, NEXT, READER, read

TEXTS = ["The cat, the dog: don't!", "", "zwölf Boxkämpfer", "a\tb\nc", "one two three four five"]
LABELS = [0, 1, 1, 0, 1]
WORDS = "{tokenise: {by: words, size: 20}}"
PADDED = f"[{WORDS}, {{pad: {{to: 4, lengths: length}}}}]"
BUCKETS = f"[{WORDS}, {{bucket: {{sizes: [2, 4, 8], lengths: length}}}}]"


def write_csv(folder: Path) -> str:
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(TEXTS, LABELS, strict=True)])
    return "t.csv"


def write_parquet(folder: Path) -> str:
    table = pa.table({"text": TEXTS, "label": LABELS})
    pyarrow.parquet.write_table(table, folder / "t.parquet", row_group_size=2)
    return "t.parquet"


def write_dataset(folder: Path) -> str:
    (folder / "set").mkdir()
    (folder / "set" / "state.json").write_text('{"_data_files": [{"filename": "d.arrow"}]}')
    table = pa.table({"text": TEXTS, "label": LABELS})
    with pyarrow.ipc.new_stream(str(folder / "set" / "d.arrow"), table.schema) as file:
        file.write_table(table, max_chunksize=2)
    return "set"


def write_folders(folder: Path) -> str:
    for number, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True)):
        (folder / "texts" / "ab"[label]).mkdir(parents=True, exist_ok=True)
        (folder / "texts" / "ab"[label] / f"{number}.txt").write_text(text)
    return "texts/"


def arrays(rows: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns as lists, wherever they lie."""
    return {name: np.array([*column]).tolist() for name, column in rows.items()}


def both(folder: Path, model: str, graph: str, data: str) -> list[dict[str, Any]]:
    """Training and held-out rows of a spec, in memory and on disk, and every batch of an epoch."""
    found: list[dict[str, Any]] = []
    for cache in ("memory", "disk"):
        text = data.replace("CACHE", f"cache: {cache}")
        more = [folder / "rows"] if cache == "disk" else []
        module, rows = read(folder, model, graph, text, *more)
        if "window" in text:
            learned = module.learn(rows) if "learn" in vars(module) else {}
            rows = module.prepare(rows, learned) if learned else rows
            parts = module.split(rows, 0.4)
        else:
            parts = module.split(rows, 0.4)
            learned = module.learn(parts[0])
            parts = tuple(module.prepare(part, learned) for part in parts)
        batches = [arrays(batch) for batch in module.Batches(parts[0], 1, 0).epoch(0)]
        if cache == "disk":
            assert type(rows["ids"]) is module.OnDisk
        found.append({"learned": learned, "rows": [*map(arrays, parts)], "batches": batches})
    return found


@pytest.mark.parametrize("transforms", [PADDED, BUCKETS])
@pytest.mark.parametrize("write", [write_csv, write_parquet, write_dataset, write_folders])
def test_rows_are_the_same(write: Callable[[Path], str], transforms: str, tmp_path: Path) -> None:
    label = "class" if write is write_folders else "label"
    kind = ", format: dataset" if write is write_dataset else ""
    columns = f"{{ids: text, label: {label}}}"
    data = (
        f"{{source: {write(tmp_path)}{kind}, columns: {columns}, CACHE, transforms: {transforms}}}"
    )
    memory, disk = both(tmp_path, READER, CLASSES, data)
    assert memory == disk
    assert len(memory["batches"]) == 3
    assert len(memory["learned"]["ids"]) > 3


@pytest.mark.parametrize("by", ["{by: words, size: 300}", "{by: characters, size: 300}", "bytes"])
@pytest.mark.parametrize("name", ["lines.txt", "texts/"])
def test_windows_are_the_same(name: str, by: str, tmp_path: Path) -> None:
    """Of one text that is longer than what is read at a time, and of several."""
    text = "".join(f"{k} Σίσυφος\r\nword-{k % 7}'s\u2028" for k in range(BLOCK // 24))
    write_folders(tmp_path)
    (tmp_path / "lines.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert (tmp_path / "lines.txt").stat().st_size > BLOCK
    data = (
        f"{{source: {name}, columns: {{ids: text}}, CACHE, "
        f"transforms: [{{tokenise: {by}}}, {{window: 5}}, {{shift: target}}]}}"
    )
    memory, disk = both(tmp_path, LANGUAGE, NEXT, data)
    assert memory == disk
    assert len(memory["batches"]) >= 2


def test_lists_that_differ_in_length_stay_on_disk(tmp_path: Path) -> None:
    lists = [[1, 2, 3], [], [4], [5, 6], [7, 8, 9, 10, 11]]
    table = pa.table({"words": lists, "label": LABELS})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    columns = "{ids: words, label: label}"
    transforms = "[{pad: {to: 4, lengths: length}}]"
    found = []
    for cache in ("memory", "disk"):
        data = (
            f"{{source: t.parquet, columns: {columns}, cache: {cache}, transforms: {transforms}}}"
        )
        more = [tmp_path / "rows"] if cache == "disk" else []
        found.append(arrays(read(tmp_path, READER, CLASSES, data, *more)[1]))
    assert found[0] == found[1]
    assert found[0]["ids"][4] == [7, 8, 9, 10]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"text": [[1], [2]], "label": [0, 1]}, "column text: is object, expected texts"),
        ({"text": [1, 2], "label": [0, 1]}, "column 'text' holds int64, expected texts, or lists"),
        ({"texts": ["a"], "label": [0]}, "has no column 'text' (it has: label)"),
        ({"text": ["a", None], "label": [0, 1]}, "row 1 of column 'text' has no value"),
        ({"text": ["a"], "label": ["b"]}, "column label: holds texts"),
    ],
)
def test_what_is_no_text_is_told(rows: dict[str, Any], words: str, tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pa.table(rows), tmp_path / "t.parquet")
    columns = "{ids: text, label: label}"
    data = f"{{source: t.parquet, columns: {columns}, cache: disk, transforms: {PADDED}}}"
    with pytest.raises(ValueError, match="parquet: ") as told:
        read(tmp_path, READER, CLASSES, data, tmp_path / "rows")
    assert words in str(told.value)


def test_lines_are_those_of_the_whole_text(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    ends = ["\n", "\r\n", "\r", "\u2028", "\x0c", "\n\n"]
    for tail in ("", "\n", "\r"):
        lines = [f"{'x' * (k % 50)}{ends[k % 6]}" for k in range(BLOCK // 20)]
        path.write_bytes("".join([*lines, "end", tail]).encode())
        texts = read_lines_to_disk(path, tmp_path)["text"]
        assert [row.tobytes().decode() for row in texts] == read_lines(path)["text"].tolist()


@pytest.mark.parametrize("place", [7, BLOCK - 1, BLOCK, BLOCK + 9])
def test_a_byte_that_is_no_text_is_told(place: int, tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"a" * place + b"\xff" + b"b" * BLOCK)
    for reader in (read_whole, lambda path: read_lines_to_disk(path, tmp_path)):
        with pytest.raises(ValueError, match=rf"not UTF-8 at byte {place}$"):
            reader(path)
    path.write_bytes(b"a" * place + b"\xe2\x82")
    with pytest.raises(ValueError, match=rf"not UTF-8 at byte {place}: it ends within a sign"):
        read_whole(path)


def test_a_long_text_takes_little_memory(tmp_path: Path) -> None:
    size = 100 * BLOCK
    (tmp_path / "long.txt").write_bytes(b"in the beginning was the word, " * (size // 31))
    data = (
        "{source: long.txt, columns: {ids: text}, cache: disk, "
        "transforms: [{tokenise: {by: characters, size: 40}}, {window: 65}, {shift: target}]}"
    )
    tracemalloc.start()
    module, rows = read(tmp_path, LANGUAGE, NEXT, data, tmp_path / "rows")
    rows = module.prepare(rows, module.learn(rows))
    training, _ = module.split(rows, 0.1)
    batch = next(module.Batches(training, 32, 0).epoch(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert batch["ids"].shape == batch["target"].shape == (32, 64)
    assert (batch["ids"][:, 1:] == batch["target"][:, :-1]).all()
    assert peak < size, f"{peak} bytes for a text of {size}"
