"""What a model makes of held-out rows, for the page at a run's end: a table of classes, examples.

Each function takes how the model predicts and the rows in batches, and gives a part of a page; all
that it shows is in it, so that the page is one file.
"""

import base64
import html
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Rows = dict[str, Array]
Predict = Callable[[Rows], Array]

EXAMPLES = 16  # of which at most half are right
POINTS = 1000  # more say nothing


def classes(predict: Predict, batches: Iterable[Rows], target: str) -> str:
    """Which classes rows are taken for, and some rows; a wrong one comes before a right one.

    Args:
        predict: from a batch to the scores `[N, C]` of each class.
        batches: the rows.
        target: the column of each row's class; a number that is no class is passed over.
    """

    def judge(scores: Array) -> tuple[Array, Array]:
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return scores.argmax(1), (powers / powers.sum(1, keepdims=True)).max(1)

    return _judged(predict, judge, batches, target)


def two_classes(predict: Predict, batches: Iterable[Rows], target: str) -> str:
    """The same where a number above 0 says that a row is of class 1, the logit of that.

    Args:
        predict: from a batch to one number for each row.
        batches: the rows.
        target: the column that holds 0 or 1 for each row.
    """

    def judge(logits: Array) -> tuple[Array, Array]:
        share = 1 / (1 + np.exp(-np.abs(logits.reshape(-1))))
        return (logits.reshape(-1) > 0).astype(np.int64), share

    return _judged(predict, judge, batches, target)


def values(predict: Predict, batches: Iterable[Rows], target: str) -> str:
    """What is predicted beside what is so, as points, and some rows.

    Args:
        predict: from a batch to the numbers of each row.
        batches: the rows.
        target: the column of what they should be.
    """
    pairs: list[tuple[float, float]] = []
    examples: list[str] = []
    for batch in batches:
        wanted, found = (part.reshape(len(part), -1) for part in (batch[target], predict(batch)))
        pairs += zip(wanted.reshape(-1).tolist(), found.reshape(-1).tolist(), strict=True)
        for row in range(min(len(wanted), EXAMPLES - len(examples))):
            text = f"{_numbers(found[row])}, should be {_numbers(wanted[row])}"
            examples.append(_example(batch, row, target, text))
        if len(pairs) >= POINTS:
            break
    return f"{_points(pairs[:POINTS])}\n{_examples(examples)}"


def pictures(predict: Predict, batches: Iterable[Rows], target: str) -> str:
    """Some pictures beside what the model makes of them.

    Args:
        predict: from a batch to pictures.
        batches: the rows.
        target: the column of what they should be.
    """
    examples: list[str] = []
    for batch in batches:
        found = predict(batch)
        for row in range(min(len(found), EXAMPLES - len(examples))):
            both = f"{_picture(batch[target][row])} {_picture(found[row])}"
            examples.append(f"<li>{both}<span>as it is, and as it is made</span></li>")
        if len(examples) == EXAMPLES:
            break
    return _examples(examples)


def _judged(
    predict: Predict,
    judge: Callable[[Array], tuple[Array, Array]],
    batches: Iterable[Rows],
    target: str,
) -> str:
    pairs: list[tuple[Array, Array]] = []
    examples: dict[bool, list[str]] = {False: [], True: []}
    for batch in batches:
        wanted = batch[target].reshape(-1).astype(np.int64)
        scores = predict(batch)
        found, share = judge(scores)
        size = scores.shape[-1] if scores.ndim > 1 and scores.shape[-1] > 1 else 2
        pairs.append((wanted, found))
        for row in np.flatnonzero((wanted >= 0) & (wanted < size)).tolist():
            chosen = examples[bool(wanted[row] == found[row])]
            if len(chosen) < EXAMPLES:
                text = f"{found[row]} ({share[row]:.0%})"
                text += "" if wanted[row] == found[row] else f", should be {wanted[row]}"
                chosen.append(_example(batch, row, target, text, wrong=wanted[row] != found[row]))
    wrong = examples[False][: max(EXAMPLES // 2, EXAMPLES - len(examples[True]))]
    shown = [*wrong, *examples[True][: EXAMPLES - len(wrong)]]
    return f"{_table(pairs)}\n{_examples(shown)}"


def _table(pairs: Sequence[tuple[Array, Array]]) -> str:
    wanted, found = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    size = int(max(wanted.max(), found.max())) + 1
    there = wanted >= 0
    counts = np.bincount(wanted[there] * size + found[there], minlength=size * size)
    table = counts.reshape(size, size)
    if size > 40:  # a table that nobody reads: the classes that are most often mistaken
        off = table * (1 - np.eye(size, dtype=np.int64))
        order = [k for k in off.reshape(-1).argsort(kind="stable")[::-1][:20] if off.reshape(-1)[k]]
        lines = [f"<li>{k // size} taken for {k % size}: {off.reshape(-1)[k]}</li>" for k in order]
        return f"<h2>Classes taken for others</h2>\n<ul>{''.join(lines)}</ul>"
    most = np.maximum(table.sum(1, keepdims=True), 1)
    rows = "".join(
        f"<tr><th>{k}</th>" + "".join(map(_cell, table[k], table[k] / most[k])) + "</tr>\n"
        for k in range(size)
    )
    head = "".join(f"<th>{k}</th>" for k in range(size))
    note = "<p>Each row is a class as it is, each column what it is taken for.</p>"
    return f"<h2>Confusion matrix</h2>\n{note}\n<table><tr><th></th>{head}</tr>\n{rows}</table>"


def _cell(count: int, share: float) -> str:
    ink = "#fff" if share > 0.5 else "#223"
    style = f"background: rgba(37, 99, 168, {share:.2f}); color: {ink}"
    return f'<td style="{style}">{count or ""}</td>'


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    both = [number for pair in pairs for number in pair]
    low, high = min(both), max(both)
    scale = 300 / (high - low) if high > low else 0.0
    dots = "".join(
        f'<circle cx="{(wanted - low) * scale:.1f}" cy="{300 - (found - low) * scale:.1f}" r="2"/>'
        for wanted, found in pairs
    )
    return (
        "<h2>Predicted beside actual</h2>\n"
        f'<svg viewBox="-60 -10 680 340"><polyline points="0,300 300,0"/>{dots}'
        f'<text x="0" y="320">{low:.4g}</text>'
        f'<text x="300" y="320" text-anchor="end">{high:.4g}</text>'
        f'<text x="-5" y="300" text-anchor="end">{low:.4g}</text>'
        f'<text x="-5" y="10" text-anchor="end">{high:.4g}</text></svg>'
    )


def _examples(items: Sequence[str]) -> str:
    return f'<h2>Examples</h2>\n<ul class="examples">{"".join(items)}</ul>' if items else ""


def _example(batch: Rows, row: int, target: str, text: str, *, wrong: bool = False) -> str:
    parts = [_shown(array[row]) for name, array in batch.items() if name != target]
    mark = ' class="wrong"' if wrong else ""
    return f"<li{mark}>{' '.join(parts)}<span>{text}</span></li>\n"


def _shown(value: Array) -> str:
    if value.ndim == 3 and len(_channels(value)) > 0 and value.dtype.kind == "f":
        return _picture(value)
    return f"<code>{html.escape(_numbers(value.reshape(-1)))}</code>"


def _numbers(values: Array) -> str:
    text = ", ".join(f"{number:.4g}" for number in values[:8].tolist())
    return f"{text}, …" if len(values) > 8 else text


def _channels(value: Array) -> Array:
    """A picture with its channels last; empty where it has no 1 or 3 of them."""
    if value.shape[0] in (1, 3):
        return np.moveaxis(value, 0, -1)
    return value if value.shape[-1] in (1, 3) else value[:0]


def _picture(value: Array) -> str:
    """A picture as a PNG in the text, from its least to its largest number."""
    pixels = _channels(value).astype(np.float64)
    low, high = float(pixels.min()), float(pixels.max())
    scale = 255 / (high - low) if high > low else 0.0
    grey = np.round((pixels - low) * scale).astype(np.uint8)
    height, width, channels = grey.shape
    lines = b"".join(b"\0" + grey[row].tobytes() for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    raw = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in chunks
    )
    return f'<img src="data:image/png;base64,{base64.b64encode(raw).decode()}" alt="">'
