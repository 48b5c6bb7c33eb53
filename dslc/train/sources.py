"""Formats of data: which one a source has, and what is known of its columns before it is read."""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BUILT_IN: dict[str, dict[str, tuple[str, tuple[int, ...], int | None]]] = {
    "digits": {"image": ("f32", (1, 8, 8), None), "label": ("i64", (), 10)},
    "wine": {"features": ("f32", (13,), None), "label": ("i64", (), 3)},
    "breast_cancer": {"features": ("f32", (30,), None), "label": ("i64", (), 2)},
    "iris": {"features": ("f32", (4,), None), "label": ("i64", (), 3)},
    "diabetes": {"features": ("f32", (10,), None), "target": ("f32", (), None)},
}
"""scikit-learn's sets: each column's dtype, the shape of a row, and the number of classes."""

SUFFIXES = {
    ".npz": "npz",
    ".npy": "arrays",
    ".csv": "csv",
    ".parquet": "parquet",
    ".txt": "text",
}
"""The format that a file's name tells."""

FORMATS = {
    "npz": "an `.npz` file: its arrays, in memory",
    "arrays": "an `.npy` file, or a folder of them: mapped, so that they may be larger than memory",
    "csv": "a table with a header: numbers, and texts for `tokenise`",
    "parquet": "a `.parquet` file: numbers, texts, lists (needs `pyarrow`)",
    "images": "a folder of folders, each a class: `image` from 0 to 1, and `class` (needs `pillow`)",
    "text": "a text file, a row a line, or a folder of them, perhaps in folders by class: `text`, `class`",
    "dataset": "what `save_to_disk` of Hugging Face's `datasets` wrote (needs `pyarrow`)",
}
"""Every format with what it holds."""

COLUMNS = {"images": ("image", "class"), "text": ("text", "class")}
"""The columns of formats that have always the same."""

HOLDS_TEXT = ("csv", "parquet", "dataset", "text")
HOLDS_LISTS = ("parquet", "dataset")
ON_DISK = ("csv", "parquet", "dataset", "images", "text")
"""Formats that are read once into files that stay on disk, if wanted."""

PACKAGES = {"parquet": "pyarrow>=15", "dataset": "pyarrow>=15", "images": "pillow>=10"}
"""What a project needs to read a format, beyond NumPy."""


def suffix_of(source: str) -> str:
    """The ending of a path, in lower case."""
    name = source.replace("\\", "/").rstrip("/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""


def format_of(source: str, given: str | None, has_images: bool, has_texts: bool) -> str | None:
    """The format of a source: as it is given, as its name tells, or as what a folder is read for.

    Args:
        source: A path.
        given: What the spec says.
        has_images: Whether an input takes images.
        has_texts: Whether a text is made into ids.

    Returns:
        The format; None where a file's name tells none.
    """
    if given is not None:
        return given
    suffix = suffix_of(source)
    if suffix:
        return SUFFIXES.get(suffix)
    if has_texts:
        return "text"
    return "images" if has_images else "arrays"


def packages_of(kind: str | None, transforms: Iterable[str]) -> list[str]:
    """The packages that a project needs for its data."""
    found = [PACKAGES[kind]] if kind in PACKAGES else []
    if "resize" in transforms and PACKAGES["images"] not in found:
        found.append(PACKAGES["images"])
    return found
