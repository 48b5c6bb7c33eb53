"""Readers of text: files and folders, in memory or brought to disk some at a time."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dslc.train.runtime.data_disk import texts_to_disk
from dslc.train.runtime.data_files import files_by_class

BLOCK = 1 << 16
"""The bytes of a file that are in memory at a time."""


def read_lines(path: Path) -> dict[str, Any]:
    """The lines of a text file."""
    return {"text": np.array(_text_of(path).splitlines(), object)}


def read_lines_to_disk(path: Path, store: Path) -> dict[str, Any]:
    """The lines of a text file that may be larger than memory."""
    return {"text": texts_to_disk(_lines_of(path), store)}


def read_whole(path: Path) -> dict[str, Any]:
    """A text file as one row."""
    return {"text": np.array([_text_of(path)], object)}


def read_whole_to_disk(path: Path, store: Path) -> dict[str, Any]:
    """A text file that may be larger than memory, in rows that end between words."""
    return {"text": texts_to_disk(_pieces_of(path), store)}


def read_texts(path: Path, store: Path | None = None) -> dict[str, Any]:
    """The text files of a folder, or of its folders by class; classes in the order of names.

    Args:
        path: the folder.
        store: where the texts are kept on disk; else in memory.
    """
    found = list(files_by_class(path, (".txt", ".md")))
    texts = (_text_of(file) for file, _ in found)
    column = np.array([*texts], object) if store is None else texts_to_disk(texts, store)
    return {"text": column, "class": np.array([number for _, number in found], np.int64)}


def _text_of(path: Path) -> str:
    return "".join(_blocks_of(path))


def _blocks_of(path: Path) -> Iterator[str]:
    """A file of UTF-8, some of it at a time; every end of a line is a newline."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    inner = codecs.getincrementaldecoder("utf-8-sig")()
    decoder = io.IncrementalNewlineDecoder(inner, translate=True)
    place = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            begun = len(inner.getstate()[0])
            try:
                yield decoder.decode(block)
            except UnicodeDecodeError as error:
                place += error.start - begun
                raise ValueError(f"{path}: not UTF-8 at byte {place}") from None
            place += len(block)
    place -= len(inner.getstate()[0])
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8 at byte {place}: it ends within a sign") from None


def _lines_of(path: Path) -> Iterator[str]:
    rest = ""
    for block in _blocks_of(path):
        *whole, rest = (rest + block).splitlines(keepends=True) or [""]
        yield from (line.splitlines()[0] for line in whole)
    yield from rest.splitlines()


def _pieces_of(path: Path) -> Iterator[str]:
    rest = ""
    for block in _blocks_of(path):
        text = rest + block
        end = next((k for k in range(len(text), 0, -1) if text[k - 1].isspace()), 0)
        rest = text[end:]
        yield text[:end]
    yield rest
