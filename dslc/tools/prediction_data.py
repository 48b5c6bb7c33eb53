"""Reads rows to predict from: a built-in set, or a file of one of the formats of tables and arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dslc.train.runtime.data import checked, sources_of
from dslc.train.runtime.data_arrow import read_parquet
from dslc.train.runtime.data_files import read_csv, read_digits, read_numpy, read_table
from dslc.train.sources import BUILT_IN, SUFFIXES, suffix_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.train.runtime.data import Arrays, Column


def load(source: str, columns: Mapping[str, Column]) -> Arrays:
    """The columns of some data with their types checked.

    Raises:
        ValueError: They are missing or of other types; the message says where.
        OSError: The file cannot be read.
    """
    kind, path = SUFFIXES.get(suffix_of(source)), Path(source)
    if source in BUILT_IN:
        raw = read_digits() if source == "digits" else read_table(source)
    elif kind in ("npz", "arrays"):
        raw = read_numpy(path)
    elif kind == "csv":
        raw = read_csv(path, sources_of(columns))
    elif kind == "parquet":
        raw = read_parquet(path, sources_of(columns))
    else:
        known = ", ".join(BUILT_IN)
        endings = ".npz, .npy, .csv or .parquet"
        raise ValueError(f"{source}: neither a built-in set ({known}) nor {endings}")
    return checked(source, raw, columns)
