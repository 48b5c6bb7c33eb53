"""Boxes judged by loops: what is kept, what matches, what is drawn, at the edges too."""

from typing import Any

import numpy as np
import pytest

from tests.numeric.frameworks import backend_named, backend_params
from tests.numeric.table import check

Arrays = dict[str, np.ndarray[Any, Any]]

KEPT = """
dslc: 1
name: Kept
inputs: {boxes: "f32[N, R, 4]", scores: "f32[N, R]", classes: "i64[N, R]"}
steps:
  - {non_max_suppression: {max: 6, iou: 0.4}, name: plain, from: [boxes, scores]}
  - {non_max_suppression: {max: 6, iou: 0.4, score: 0.3}, name: grouped, from: [boxes, scores, classes]}
outputs: {plain: plain, there: plain.valid, grouped: grouped, found: grouped.valid}
"""
MATCHED = """
dslc: 1
name: Matched
inputs: {anchors: "f32[R, 4]", boxes: "f32[N, S, 4]", valid: "bool[N, S]"}
steps:
  - {match_boxes: {high: 0.4, low: 0.2, best: true}, name: matched, from: [anchors, boxes, valid]}
outputs: {ids: matched, positive: matched.positive, negative: matched.negative}
"""
SAMPLED = """
dslc: 1
name: Sampled
inputs: {good: "bool[N, R]", bad: "bool[N, R]"}
steps:
  - {sample_balanced: {max: 8, share: 0.25}, name: drawn, from: [good, bad]}
outputs: {ids: drawn, positive: drawn.positive, valid: drawn.valid}
"""


def run(backend: str, text: str, inputs: Arrays) -> Arrays:
    driver = backend_named(backend).driver(check(text))
    driver.load({})
    return dict(driver.forward(inputs, training=False))


def random_boxes(generator: np.random.Generator, *shape: int) -> np.ndarray[Any, Any]:
    corner = generator.uniform(0, 20, (*shape, 2))
    return np.concatenate([corner, corner + generator.uniform(3, 12, (*shape, 2))], -1).astype("f4")


def iou(one: Any, other: Any) -> float:
    wide, high = (min(one[k + 2], other[k + 2]) - max(one[k], other[k]) for k in (0, 1))
    shared = max(wide, 0) * max(high, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def kept(boxes: Any, scores: Any, classes: Any, least: float) -> list[int]:
    found: list[int] = []
    for place in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        rivals = [k for k in found if classes[k] == classes[place]]
        if scores[place] > least and all(iou(boxes[k], boxes[place]) <= 0.4 for k in rivals):
            found.append(place)
    return found[:6]


@pytest.mark.parametrize("backend", backend_params())
@pytest.mark.parametrize("count", [1, 5, 40])
def test_kept_boxes(backend: str, count: int) -> None:
    generator = np.random.default_rng(count)
    inputs = {
        "boxes": random_boxes(generator, 3, count),
        "scores": generator.uniform(0, 1, (3, count)).astype("f4"),
        "classes": generator.integers(0, 3, (3, count)),
    }
    inputs["scores"][1] = 0.1  # in one image no box is good enough, and all are equally good
    found = run(backend, KEPT, inputs)
    none = np.zeros(count)
    for row in range(3):
        parts = inputs["boxes"][row], inputs["scores"][row]
        for name, flag, classes, least in (
            ("plain", "there", none, -np.inf),
            ("grouped", "found", inputs["classes"][row], 0.3),
        ):
            expected = kept(*parts, classes, least)
            assert found[name][row].tolist() == expected + [0] * (6 - len(expected))
            assert found[flag][row].tolist() == [k < len(expected) for k in range(6)]


@pytest.mark.parametrize("backend", backend_params())
def test_matches(backend: str) -> None:
    generator = np.random.default_rng(3)
    anchors, boxes = random_boxes(generator, 25), random_boxes(generator, 4, 3)
    boxes[1, 0] = [100, 100, 101, 101]  # nothing overlaps it
    boxes[2, 1] = 0  # padding, as no box is
    valid = np.ones((4, 3), bool)
    valid[2, 1:] = False
    valid[3] = False
    found = run(backend, MATCHED, {"anchors": anchors, "boxes": boxes, "valid": valid})
    for row in range(4):
        table = np.full((25, 3), -1.0)
        for k in np.flatnonzero(valid[row]):
            table[:, k] = [iou(anchor, boxes[row, k]) for anchor in anchors]
        positive = table.max(1) >= 0.4
        for k in range(3):
            positive[table[:, k].argmax()] |= table[:, k].max() > 0
        assert found["positive"][row].tolist() == positive.tolist()
        assert found["negative"][row].tolist() == ((table.max(1) < 0.2) & ~positive).tolist()
        assert found["ids"][row].tolist() == table.argmax(1).tolist()
    assert not found["positive"][3].any()
    assert found["negative"][3].all()


@pytest.mark.parametrize("backend", backend_params())
def test_samples(backend: str) -> None:
    count = 2000
    positive, negative = np.zeros((2, count, 12), bool)
    positive[:, :5] = True  # more than the two that are taken
    negative[:, 5:11] = True
    negative[0], positive[1, 1:] = False, False  # no negative place; one positive place
    drawn = run(backend, SAMPLED, {"good": positive, "bad": negative})
    wanted = np.minimum(positive.sum(1), 2)
    total = wanted + np.minimum(negative.sum(1), 8 - wanted)
    assert (drawn["valid"].sum(1) == total).all()
    assert (drawn["positive"].sum(1) == wanted).all()
    assert (drawn["ids"][~drawn["valid"]] == 0).all()
    rows = np.arange(count)[:, None]
    assert positive[rows, drawn["ids"]][drawn["positive"]].all()
    others = drawn["valid"] & ~drawn["positive"]
    assert negative[rows, drawn["ids"]][others].all()
    for row in range(20):
        ids = drawn["ids"][row][drawn["valid"][row]]
        assert len(set(ids.tolist())) == len(ids)
    shares = np.bincount(drawn["ids"][2:][drawn["positive"][2:]], minlength=5) / (count - 2)
    assert np.abs(shares - 0.4).max() < 0.05
