"""What a run's page shows of held-out rows: a table of classes, points, pictures and examples."""

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser

import numpy as np

from dslc.train.runtime import page

GENERATOR = np.random.default_rng(0)


def batches(rows: dict[str, np.ndarray], size: int = 4) -> Iterator[dict[str, np.ndarray]]:
    count = len(next(iter(rows.values())))
    for start in range(0, count, size):
        yield {name: array[start : start + size] for name, array in rows.items()}


class Balanced(HTMLParser):
    """Refuses text whose elements do not end in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass


def scores_of(found: list[int], size: int) -> np.ndarray:
    return np.eye(size, dtype=np.float32)[found] * 3


def test_each_row_is_counted_where_it_was_and_where_it_went() -> None:
    label = np.array([0, 1, 2, 2, 1, -100, 0])
    x = GENERATOR.normal(size=(7, 3)).astype(np.float32)
    given = iter([[0, 1, 1, 2], [1, 0, 0]])
    text = page.classes(
        lambda _: scores_of(next(given), 3), batches({"x": x, "label": label}), "label"
    )
    Balanced(text)
    cells = [cell or "0" for cell in re.findall(r"<td[^>]*>(\d*)</td>", text)]
    assert cells == ["2", "0", "0", "0", "2", "0", "0", "1", "1"]
    examples = re.findall(r"<li( class=\"wrong\")?>.*?<span>(.*?)</span>", text)
    assert examples[0] == (' class="wrong"', "1 (91%), should be 2")
    assert [wrong for wrong, _ in examples[1:]] == [""] * 5


def test_a_large_table_is_a_list_of_what_is_mistaken() -> None:
    label = np.arange(50)
    found = [*range(49), 7]
    rows = {"ids": np.zeros((50, 2), np.int64), "label": label}
    text = page.classes(lambda _: scores_of(found, 50), batches(rows, 50), "label")
    Balanced(text)
    assert re.findall(r"<li>(.*?)</li>", text.partition("Examples")[0]) == ["49 taken for 7: 1"]


def test_a_logit_above_zero_is_a_yes() -> None:
    rows = {"x": np.zeros((4, 2), np.float32), "label": np.float32([[0], [1], [1], [0]])}
    logits = np.float32([[-1], [2], [-3], [-4]])
    text = page.two_classes(lambda _: logits, batches(rows), "label")
    Balanced(text)
    assert [cell or "0" for cell in re.findall(r"<td[^>]*>(\d*)</td>", text)] == [
        "2",
        "0",
        "1",
        "1",
    ]
    assert "0 (95%), should be 1" in text


def test_values_are_points_and_examples() -> None:
    rows = {"x": np.zeros((9, 12), np.float32), "y": np.float32(np.arange(9).reshape(9, 1))}
    text = page.values(lambda batch: batch["y"] + 1, batches(rows), "y")
    Balanced(text)
    assert text.count("<circle") == 9
    assert "2, should be 1" in text
    assert text.count("0, 0, 0, 0, 0, 0, 0, 0, …") == 9


def test_pictures_are_what_they_were() -> None:
    for shape in ((3, 5, 4), (5, 4, 3)):
        image = GENERATOR.integers(0, 256, (1, *shape)).astype(np.float32)
        image.reshape(-1)[:2] = 0, 255
        text = page.pictures(lambda batch: batch["image"] * 2, batches({"image": image}), "image")
        Balanced(text)
        wanted = np.moveaxis(image[0], 0, -1) if shape[0] == 3 else image[0]
        sources = re.findall(r"base64,([^\"]*)", text)
        assert len(sources) == 2
        for source in sources:
            np.testing.assert_array_equal(decoded(base64.b64decode(source)), wanted)


def decoded(raw: bytes) -> np.ndarray:
    """The pixels of a PNG whose lines have no filter, its checksums compared."""
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    found: dict[bytes, bytes] = {}
    place = 8
    while place < len(raw):
        (size,) = struct.unpack(">I", raw[place : place + 4])
        kind, body = raw[place + 4 : place + 8], raw[place + 8 : place + 8 + size]
        (check,) = struct.unpack(">I", raw[place + 8 + size : place + 12 + size])
        assert check == zlib.crc32(kind + body)
        found[kind] = body
        place += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", found[b"IHDR"][:10])
    channels = {0: 1, 2: 3}[colour]
    lines = np.frombuffer(zlib.decompress(found[b"IDAT"]), np.uint8).reshape(height, -1)
    assert depth == 8
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, channels)
