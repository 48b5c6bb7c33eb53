"""Data: typed columns with messages that find the fault, fixed splits, repeatable batches."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from dslc.train.runtime.data import Column, checked, sources_of, split
from dslc.train.runtime.data_files import read_csv, read_digits, read_numpy, read_table
from dslc.train.runtime.data_learned import normalised, statistics
from dslc.train.runtime.data_order import Batches

DIGITS = {
    "image": Column("image", "float32", (1, None, None)),
    "label": Column("label", "int64", below=10),
}


SPLIT = [4.0, 6.0, 9.0, 14.0, 15.0]  # held out of 20 rows by seed 0: may never change
BATCHES = [[0.0, 8.0, 2.0, 9.0], [3.0, 1.0, 7.0, 6.0]]  # of 10 rows by seed 0: likewise


def load(source: str, columns: dict[str, Column]):
    """Reads a source as a project of its format does."""
    path = Path(source)
    if source == "digits":
        raw = read_digits()
    elif not path.suffix:
        raw = read_table(source)
    elif path.suffix == ".csv":
        raw = read_csv(path, sources_of(columns))
    else:
        raw = read_numpy(path)
    return checked(source, raw, columns)


def rows(count: int):
    return {"x": np.arange(count, dtype=np.float32)[:, None], "y": np.arange(count) % 3}


def test_digits():
    arrays = load("digits", DIGITS)
    assert arrays["image"].shape == (1797, 1, 8, 8)
    assert arrays["image"].dtype == np.float32
    assert (arrays["image"].min(), arrays["image"].max()) == (0, 1)
    assert np.array_equal(arrays["image"] * 16, np.round(arrays["image"] * 16))
    assert np.unique(arrays["label"]).tolist() == list(range(10))


@pytest.mark.parametrize(
    ("name", "count", "features", "classes"),
    [("wine", 178, 13, 3), ("breast_cancer", 569, 30, 2), ("iris", 150, 4, 3)],
)
def test_tables_that_ship(name, count, features, classes):
    columns = {"x": Column("features", "float32", (features,)), "y": Column("label", "int64")}
    arrays = load(name, columns)
    assert arrays["x"].shape == (count, features)
    assert len(np.unique(arrays["y"])) == classes


def test_diabetes_has_a_target():
    arrays = load("diabetes", {"y": Column("target", "float32")})
    assert arrays["y"].shape == (442,)


def test_numpy_files(tmp_path):
    np.savez(tmp_path / "d.npz", image=np.ones((3, 2), np.uint8), label=[0, 1, 2])
    columns = {"x": Column("image", "float32", (2,)), "y": Column("label", "int64")}
    arrays = load(str(tmp_path / "d.npz"), columns)
    assert arrays["x"].dtype == np.float32
    np.save(tmp_path / "x.npy", np.ones((3, 2)))
    assert load(str(tmp_path / "x.npy"), {"a": Column("x", "float32", (2,))})["a"].shape == (3, 2)


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}]), allow_pickle=True)
    (tmp_path / "y.npy").write_bytes(b"\x80\x04N.")
    for name in ("x", "y"):
        with pytest.raises(ValueError, match=f"{name}.npy: not a whole NumPy file of plain arrays"):
            load(str(tmp_path / f"{name}.npy"), {"a": Column("x", "float32")})


def test_truncated_npz_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "d.npz", a=np.arange(1000))
    whole = (tmp_path / "d.npz").read_bytes()
    for length in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "d.npz").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="not a whole NumPy file"):
            load(str(tmp_path / "d.npz"), {"a": Column("a", "int64")})


def test_pipes_are_refused(tmp_path):
    os.mkfifo(tmp_path / "d.npz")
    with pytest.raises(ValueError, match="no such file"):
        load(str(tmp_path / "d.npz"), {"a": Column("a", "int64")})


CSV = "height,width,kind\n1.5,2,0\n2.5,3,1\n"


def test_csv(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\ufeff" + CSV, encoding="utf-8")
    columns = {"x": Column(("height", "width"), "float32", (2,)), "y": Column("kind", "int64")}
    arrays = load(str(path), columns)
    assert arrays["x"].tolist() == [[1.5, 2.0], [2.5, 3.0]]
    assert arrays["y"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        (CSV, Column("depth", "float32"), "has no column 'depth'"),
        (CSV, Column("height", "int64"), "column height: is float64, expected int64"),
        (CSV, Column("kind", "int64", below=1), "column kind: row 1 is not in 0..0: 1"),
        (CSV, Column("height", "float32", (2,)), "a row has shape [], expected [2]"),
        ("a\n1\nx\n", Column("a", "float32"), "row 1 of column 'a' is no number: 'x'"),
        ("a\n1\n1_0\n", Column("a", "float32"), "row 1 of column 'a' is no number: '1_0'"),
        ("a\n1\nnan\n", Column("a", "float32"), "column a: row 1 is not finite: nan"),
        ("a\n1\n1e300\n", Column("a", "float32"), "column a: row 1 is no float32: 1e+300"),
        ("a\n300\n", Column("a", "uint8"), "column a: row 0 is no uint8: 300"),
        ("a,b\n1\n", Column("a", "float32"), "row 0 has 1 fields, not 2"),
        ("a,a\n1,2\n", Column("a", "float32"), "has two columns 'a'"),
        ("a\n", Column("a", "float32"), "has no rows"),
        ("", Column("a", "float32"), "not a table"),
        ('a\n"1\n', Column("a", "float32"), "not a table"),
    ],
)
def test_csv_faults(tmp_path, text, column, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(
        ValueError, match=re.escape(f"{path}: ") + ".*" + re.escape(message)
    ) as caught:
        load(str(path), {"x": column})
    assert message in str(caught.value)


def test_columns_of_different_length(tmp_path):
    np.savez(tmp_path / "d.npz", a=np.zeros(3), b=np.zeros(4))
    with pytest.raises(ValueError, match="the columns differ in rows"):
        load(str(tmp_path / "d.npz"), {k: Column(k, "float32") for k in "ab"})


def test_split_is_stratified_and_complete():
    arrays = load("digits", DIGITS)
    training, held = split(arrays, 0.2, seed=0, stratify="label")
    assert len(training["label"]) + len(held["label"]) == 1797
    for label in range(10):
        share = (held["label"] == label).sum() / (arrays["label"] == label).sum()
        assert abs(share - 0.2) < 0.004
    assert len(held["label"]) == 359


def test_split_is_fixed():
    arrays = rows(20)
    assert split(arrays, 0.25, seed=0)[1]["x"].ravel().tolist() == SPLIT
    assert split(arrays, 0.25, seed=1)[1]["x"].ravel().tolist() != SPLIT
    with pytest.raises(ValueError, match="leaves one side empty"):
        split(arrays, 0.0)


def test_batches_are_fixed():
    batches = Batches(rows(10), 4, seed=0)
    assert batches.steps == 2
    assert [batch["x"].ravel().tolist() for batch in batches.epoch(0)] == BATCHES
    assert [batch["x"].ravel().tolist() for batch in batches.epoch(1)] != BATCHES
    assert [b["x"].ravel().tolist() for b in Batches(rows(10), 4, seed=1).epoch(0)] != BATCHES


def test_an_epoch_takes_no_row_twice_and_drops_the_partial_batch():
    seen = np.concatenate([batch["x"].ravel() for batch in Batches(rows(11), 4, 0).epoch(3)])
    assert len(seen) == len(set(seen.tolist())) == 8


def test_resuming_in_an_epoch_gives_the_rest_of_it():
    batches = Batches(rows(30), 4, seed=5)
    whole = [batch["x"].tolist() for batch in batches.epoch(2)]
    assert [batch["x"].tolist() for batch in batches.epoch(2, start=3)] == whole[3:]
    assert list(batches.epoch(2, start=batches.steps)) == []


def test_processes_share_each_batch():
    whole = list(Batches(rows(20), 6, 0).epoch(0))
    parts = [list(Batches(rows(20), 6, 0, process, 3).epoch(0)) for process in range(3)]
    for step, batch in enumerate(whole):
        together = np.concatenate([part[step]["x"] for part in parts])
        assert np.array_equal(together, batch["x"])
    with pytest.raises(ValueError, match="cannot be shared by 4 processes"):
        Batches(rows(20), 6, 0, 0, 4)


def test_a_batch_must_fit():
    with pytest.raises(ValueError, match="a batch of 21 does not fit 20 rows"):
        Batches(rows(20), 21, 0)


def test_normalised_by_the_statistics_of_other_rows():
    generator = np.random.default_rng(0)
    training = generator.normal(3, 2, (5000, 4)).astype(np.float32)
    training[:, 2] = 7.0
    after = normalised(training, **statistics(training))
    assert after.dtype == np.float32
    assert np.abs(after.mean(0)).max() < 1e-6
    assert np.abs(after.std(0) - [1, 1, 0, 1]).max() < 1e-6
    image = generator.normal(size=(6, 3, 4, 4)).astype(np.float32)
    assert len(statistics(image)["mean"]) == 3
    assert np.abs(normalised(image, **statistics(image)).mean((0, 2, 3))).max() < 1e-6
    assert statistics(np.arange(5.0))["mean"] == [2.0]
