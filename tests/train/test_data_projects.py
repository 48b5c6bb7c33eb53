"""What a project's `data.py` reads and changes: every format, every transform, without a framework."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from PIL import Image

from dslc.diagnostics import SpecError
from tests.train.data_projects import (
    CLASSES,
    IMAGES,
    LANGUAGE,
    NEXT,
    READER,
    checked,
    read,
    written,
)

WINE = """
inputs: {features: "f32[N, 13]"}
steps: [{linear: 3}]
"""
PAIR = """
inputs: {x: "f32[N, 2]"}
steps: [{linear: 2}]
"""


def images(folder: Path, size: int = 8) -> None:
    """Two classes of two images, in one colour each."""
    for number, name in enumerate(("cat", "dog")):
        (folder / "images" / name).mkdir(parents=True)
        for k in range(2):
            image = Image.new("RGB", (size + k, size + k), (255 * number, 51 * k, 0))
            image.save(folder / "images" / name / f"{k}.png")


def test_images_by_class(tmp_path: Path) -> None:
    images(tmp_path)
    text = "{source: images/, columns: {label: class}, split: 0.5, transforms: [{resize: 8}]}"
    _, rows = read(tmp_path, IMAGES, CLASSES, text)
    assert rows["image"].shape == (4, 3, 8, 8)
    assert (rows["image"][:, :, 0, 0] * 5).round().tolist() == [
        [0, 0, 0], [0, 1, 0], [5, 0, 0], [5, 1, 0],
    ]  # fmt: skip
    assert rows["label"].tolist() == [0, 0, 1, 1]


def test_images_that_stay_on_disk(tmp_path: Path) -> None:
    images(tmp_path)
    text = "{source: images/, columns: {label: class}, cache: disk, transforms: [{resize: 8}]}"
    module, rows = read(tmp_path, IMAGES, CLASSES, text, tmp_path / "rows")
    assert type(rows["image"]) is module.OnDisk
    training, _ = module.split(rows, 0.5)
    assert type(training["image"]) is module.OnDisk
    (batch,) = module.Batches(training, 2, 0).epoch(0)
    assert batch["image"].shape == (2, 3, 8, 8)
    assert batch["image"].dtype == np.float32


def test_what_does_not_fit_names_its_file(tmp_path: Path) -> None:
    images(tmp_path)
    text = "{source: images/, columns: {label: class}}"
    with pytest.raises(ValueError, match=r"cat/1.png: images are 8x8 and 9x9 high and wide: `res"):
        read(tmp_path, IMAGES, CLASSES, text)
    (tmp_path / "images" / "cat" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(ValueError, match=r"cat/1.png: not a whole image"):
        read(tmp_path, IMAGES, CLASSES, text)
    with pytest.raises(ValueError, match="absent: no such folder"):
        read(tmp_path, IMAGES, CLASSES, "{source: absent/, columns: {label: class}}")


def test_arrays_are_mapped(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    np.save(tmp_path / "rows" / "x.npy", np.arange(20.0).reshape(10, 2))
    np.save(tmp_path / "rows" / "label.npy", np.arange(10) % 2)
    text = "{source: rows/, transforms: [{scale: 0.5}, {normalise: {of: x}}]}"
    module, rows = read(tmp_path, PAIR, CLASSES, text)
    training, held_out = module.split(rows, 0.3)
    learned = module.learn(training)
    training, held_out = (module.prepare(part, learned) for part in (training, held_out))
    assert isinstance(training["x"].array, np.memmap)
    whole = training["x"][np.arange(7)]
    assert whole.dtype == np.float32
    assert np.abs(whole.mean(0)).max() < 1e-6
    assert held_out["label"][np.arange(3)].dtype == np.int64
    np.save(tmp_path / "rows" / "label.npy", np.arange(10))
    with pytest.raises(ValueError, match=r"column label: row 2 is not in 0..1: 2"):
        read(tmp_path, PAIR, CLASSES, text)


def table() -> pa.Table:
    """Numbers, lists, texts and classes."""
    return pa.table(
        {
            "x": pa.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
            "label": pa.array([0, 1, 1]),
            "text": ["a b", "b", "a c a"],
            "lists": [[1, 2], [3], [4, 5, 6]],
        }
    )


def test_parquet_and_saved_data_sets(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(table(), tmp_path / "rows.parquet", row_group_size=2)
    _, rows = read(tmp_path, PAIR, CLASSES, "rows.parquet")
    assert rows["x"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert rows["label"].tolist() == [0, 1, 1]
    saved = tmp_path / "saved"
    saved.mkdir()
    with pyarrow.ipc.new_stream(saved / "data-00000.arrow", table().schema) as stream:
        stream.write_table(table(), max_chunksize=2)
    state = {"_data_files": [{"filename": "data-00000.arrow"}]}
    (saved / "state.json").write_text(json.dumps(state))
    text = "{source: saved/, format: dataset, transforms: [{pad: {to: 4, lengths: length}}]"
    _, rows = read(tmp_path, READER, CLASSES, text + ", columns: {ids: lists}}")
    assert rows["ids"].tolist() == [[1, 2, 0, 0], [3, 0, 0, 0], [4, 5, 6, 0]]
    assert rows["length"].tolist() == [2, 1, 3]
    with pytest.raises(
        ValueError, match="not a data set that `save_to_disk` wrote; it holds saved"
    ):
        read(tmp_path, PAIR, CLASSES, "{source: ./, format: dataset}")


def test_values_that_are_missing(tmp_path: Path) -> None:
    broken = table().set_column(1, "label", pa.array([0, None, 1]))
    pyarrow.parquet.write_table(broken, tmp_path / "rows.parquet", row_group_size=1)
    with pytest.raises(ValueError, match="row 1 of column 'label' has no value"):
        read(tmp_path, PAIR, CLASSES, "rows.parquet")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(ValueError, match=r"rows.parquet: not a whole Parquet file"):
        read(tmp_path, PAIR, CLASSES, "rows.parquet")


def test_texts_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text,label\n"Good, good film!",1\nbad film,0\nfine,1\n')
    text = "{source: t.csv, columns: {ids: text}, transforms: [{tokenise: {by: words, size: 20}}"
    module, rows = read(tmp_path, READER, CLASSES, text + ", {pad: {to: 6, lengths: length}}]}")
    training = {name: array[:2] for name, array in rows.items()}
    learned = module.learn(training)
    assert learned == {"ids": ["film", "good", "!", ",", "bad"]}
    found = module.prepare(rows, learned)
    assert found["ids"].tolist() == [[3, 5, 3, 2, 4, 0], [6, 2, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]]
    assert found["length"].tolist() == [5, 2, 1]


def test_rows_of_one_length_come_together(tmp_path: Path) -> None:
    lines = "\n".join(f'"{"a " * (1 + k % 7)}",{k % 2}' for k in range(40))
    (tmp_path / "t.csv").write_text(f"text,label\n{lines}\n")
    text = "{source: t.csv, columns: {ids: text}, transforms: [{tokenise: {by: words, size: 20}}"
    module, rows = read(
        tmp_path, READER, CLASSES, text + ", {bucket: {sizes: [2, 4, 6], lengths: length}}]}"
    )
    batches = module.Batches(module.prepare(rows, module.learn(rows)), 2, 0)
    found = list(batches.epoch(0))
    assert len(found) == batches.steps
    assert {batch["ids"].shape for batch in found} == {(2, 2), (2, 4), (2, 6)}
    for batch in found:
        assert ((batch["ids"] != 0).sum(axis=1) == batch["length"]).all()
    again = [batch["ids"].tolist() for batch in batches.epoch(0, start=3)]
    assert again == [batch["ids"].tolist() for batch in found[3:]]
    assert [b["ids"].tolist() for b in batches.epoch(1)] != [b["ids"].tolist() for b in found]


def test_windows_of_a_text(tmp_path: Path) -> None:
    (tmp_path / "prose.txt").write_text("abcdefghijkl\nmno")
    text = "{source: prose.txt, columns: {ids: text}, transforms: [{tokenise: bytes}, {window: 5}, {shift: target}]}"
    _, rows = read(tmp_path, LANGUAGE, NEXT, text)
    assert [bytes(row.astype(np.uint8)) for row in rows["ids"]] == [b"abcd", b"fghi", b"kl\nm"]
    assert [bytes(row.astype(np.uint8)) for row in rows["target"]] == [b"bcde", b"ghij", b"l\nmn"]
    by_characters = text.replace("tokenise: bytes", "tokenise: {by: characters, size: 30}")
    module, rows = read(tmp_path, LANGUAGE, NEXT, by_characters)
    found = module.prepare(rows, module.learn(rows))
    assert found["ids"].min() == 2
    assert (found["ids"][:, 1:] == found["target"][:, :-1]).all()


def test_texts_by_class_and_a_given_vocabulary(tmp_path: Path) -> None:
    for name, text in (("bad", "dull film"), ("good", "fine film")):
        (tmp_path / "texts" / name).mkdir(parents=True)
        (tmp_path / "texts" / name / "1.txt").write_text(text)
    (tmp_path / "ids.vocabulary.txt").write_text("film\nfine\n")
    text = (
        "{source: texts/, columns: {ids: text, label: class}, transforms: [{tokenise: {by: words, "
    )
    text += "size: 20, file: words.txt}}, {pad: {to: 3, lengths: length}}]}"
    module, rows = read(tmp_path, READER, CLASSES, text)
    assert module.prepare(rows, module.learn(rows))["ids"].tolist() == [[1, 2, 0], [3, 2, 0]]
    assert rows["label"].tolist() == [0, 1]
    (tmp_path / "texts" / "bad" / "1.txt").write_bytes(b"ab\xff")
    with pytest.raises(ValueError, match=r"bad/1.txt: not UTF-8 at byte 2"):
        read(tmp_path, READER, CLASSES, text)


MASKED = "{source: rows.npz, transforms: [{mask: {to: target, id: 299, first: 2, rate: 0.3}}]}"


def test_masks_are_drawn_from_seed_epoch_and_row(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(0, 299, (64, 40))
    np.savez(tmp_path / "rows.npz", ids=ids)
    model = NEXT.replace("axis: 2", "axis: 2, ignore_index: -100")
    module, rows = read(tmp_path, LANGUAGE, model, MASKED)
    order = module.Batches(rows, 16, 0).order(0)
    found = list(module.Batches(rows, 16, 0).epoch(0))
    hidden = np.concatenate([batch["ids"] for batch in found])
    target = np.concatenate([batch["target"] for batch in found])
    sought = target != -100
    assert abs(sought.mean() - 0.3) < 0.02
    assert (target[sought] == ids[order][sought]).all()
    assert (hidden[~sought] == ids[order][~sought]).all()
    assert abs((hidden[sought] == 299).mean() - 0.8) < 0.05
    assert not sought[ids[order] < 2].any()
    other = list(module.Batches(rows, 8, 0).epoch(0))  # another batch, the same rows
    assert (np.concatenate([batch["ids"] for batch in other]) == hidden).all()
    parts = [list(module.Batches(rows, 16, 0, k, 2).epoch(0)) for k in range(2)]
    assert (np.concatenate([part[0]["ids"] for part in parts]) == found[0]["ids"]).all()
    assert (next(iter(module.Batches(rows, 16, 1).epoch(0)))["ids"] != hidden[:16]).any()
    seen: list[Any] = []
    for _ in range(2):
        module.average(lambda batch: seen.append(batch["ids"]) or {}, rows, 32)
    assert (seen[0] == seen[2]).all()


CHANGED = "{source: digits, workers: WORKERS, transforms: [{crop: {to: 8, padding: 1}}, flip, {color: {brightness: 0.5}}, {normalise: {mean: [0.5], std: [0.5]}}, {one_hot: {of: label}}, mixup]}"  # fmt: skip
SOFT = 'inputs: {label: "f32[N, 10]"}\n  loss: {bce_with_logits: {}, from: [logits, label]}'
DIGITS = """
inputs: {image: "f32[N, 1, 8, 8]"}
steps: [flatten, {linear: 10, name: logits}]
outputs: {logits: logits}
"""


def test_images_are_changed_anew_in_every_epoch_and_the_same_by_threads(tmp_path: Path) -> None:
    batches = []
    for workers in ("0", "3"):
        module, rows = read(tmp_path, DIGITS, SOFT, CHANGED.replace("WORKERS", workers))
        batches.append(list(module.Batches(rows, 256, 0).epoch(0)))
    plain, threaded = batches
    assert len(plain) == 7
    for one, other in zip(plain, threaded, strict=True):
        assert (one["image"] == other["image"]).all()
        assert (one["label"] == other["label"]).all()
    image, label = plain[0]["image"], plain[0]["label"]
    assert image.shape == (256, 1, 8, 8)
    assert (image.dtype, label.dtype) == (np.float32, np.float32)
    assert np.allclose(label.sum(axis=1), 1)
    assert 0.2 < (label.max(axis=1) < 0.999).mean() < 0.9
    assert (image != next(iter(module.Batches(rows, 256, 0).epoch(1)))["image"]).any()
    held: list[Any] = []
    module.average(lambda batch: held.append(batch["image"]) or {}, rows, 2000)
    assert np.allclose(held[0], rows["image"] * 2 - 1)


def test_weights_of_classes(tmp_path: Path) -> None:
    graph = (
        'inputs: {label: "i64[N]", w: "f32[N]"}\n  loss: {cross_entropy: {}, from: [logits, label]}'
    )
    model = WINE.replace("{linear: 3}", "{linear: 3, name: logits}") + "outputs: {logits: logits}\n"
    module, rows = read(tmp_path, model, graph, "{source: wine, transforms: [{weigh: w}]}")
    weights = module.prepare(rows, module.learn(rows))["w"]
    sums = [weights[rows["label"] == k].sum() for k in range(3)]
    assert np.allclose(sums, 178 / 3)
    assert np.allclose(weights.mean(), 1)


def test_the_order_of_the_data(tmp_path: Path) -> None:
    module, rows = read(tmp_path, WINE, CLASSES, "{source: wine, shuffle: false}")
    first = next(iter(module.Batches(rows, 16, 5).epoch(3)))
    assert (first["features"] == rows["features"][:16]).all()


def test_what_a_spec_does_not_use_is_not_there(tmp_path: Path) -> None:
    spec = checked(tmp_path, WINE, CLASSES, "wine")
    written(spec, tmp_path)
    text = (tmp_path / "data.py").read_text()
    for word in ("csv", "Draws", "OnDisk", "augment", "Future", "PIL", "def pieces", "json"):
        assert word not in text
    defined = set(re.findall(r"^(?:def|class) (\w+)", text, re.MULTILINE))
    for name in defined - {"load", "split", "Batches", "average"}:
        assert len(re.findall(rf"\b{name}\b", text)) > 1, name


@pytest.mark.parametrize("line", ["mixup", "shift: target"])
def test_refused_behind_buckets(tmp_path: Path, line: str) -> None:
    transforms = f"[{{tokenise: bytes}}, {{bucket: [4, 8]}}, {{{line}}}]".replace(
        "{mixup}", "mixup"
    )
    with pytest.raises(SpecError):
        checked(
            tmp_path,
            LANGUAGE,
            NEXT,
            f"{{source: t.csv, columns: {{ids: text}}, transforms: {transforms}}}",
        )


def test_lists_where_numbers_are_wanted(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(table(), tmp_path / "rows.parquet")
    with pytest.raises(ValueError, match="column lists: holds texts, or lists that differ"):
        read(tmp_path, PAIR, CLASSES, "{source: rows.parquet, columns: {x: lists}}")
    spec = "{source: rows.parquet, cache: disk}"
    module, rows = read(tmp_path, PAIR, CLASSES, spec, tmp_path / "rows")
    assert type(rows["x"]) is module.OnDisk
    assert rows["x"][np.array([2, 0])].tolist() == [[5, 6], [1, 2]]


def test_half_floats_become_whole_ones_without_a_warning(tmp_path: Path) -> None:
    np.savez(tmp_path / "r.npz", x=np.ones((4, 2), np.float16), label=np.arange(4) % 2)
    _, rows = read(tmp_path, PAIR, CLASSES, "r.npz")
    assert rows["x"].dtype == np.float32


def test_tables_that_stay_on_disk(tmp_path: Path) -> None:
    lines = "".join(f"{k},{k / 2 if k > 66_000 else k},{k % 2}\n" for k in range(66_010))
    (tmp_path / "t.csv").write_text(f"a,b,label\n{lines}")
    text = "{source: t.csv, cache: disk, columns: {x: [a, b]}, transforms: [{normalise: {of: x}}]}"
    module, rows = read(tmp_path, PAIR, CLASSES, text, tmp_path / "rows")
    assert type(rows["x"]) is type(rows["label"]) is module.OnDisk
    assert rows["x"][np.array([66_003, 2])].tolist() == [[66_003, 33_001.5], [2, 2]]
    assert rows["x"][np.array([0])].dtype == np.float32
    assert rows["label"][np.array([4, 5])].tolist() == [0, 1]
    training, held = module.split(rows, 0.5, 0)
    learned = module.learn(training)
    _, plain = read(tmp_path, PAIR, CLASSES, text.replace("cache: disk, ", ""))
    expected = module.prepare(plain, learned)["x"]
    found = module.prepare(rows, learned)["x"]
    assert np.array_equal(found[np.arange(66_010)], expected)
    assert len(held["x"]) == 33_005

    (tmp_path / "t.csv").write_text(f"a,b,label\n{lines}1,two,0\n")
    with pytest.raises(ValueError, match="row 66010 of column 'b' is no number: 'two'"):
        read(tmp_path, PAIR, CLASSES, text, tmp_path / "rows")


def test_texts_of_tables_stay_on_disk(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\ngood film,1\nbad film,0\n")
    text = "{source: t.csv, cache: disk, columns: {ids: text}"
    text += ", transforms: [{tokenise: {by: words, size: 20}}, {pad: {to: 6, lengths: length}}]}"
    module, rows = read(tmp_path, READER, CLASSES, text, tmp_path / "rows")
    assert [*rows["ids"]] == ["good film", "bad film"]
    assert type(rows["ids"]) is module.OnDisk
    assert type(rows["label"]) is module.OnDisk
