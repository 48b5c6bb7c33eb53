"""The generated schedules compute what their classes say."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.passes.pipeline import check_file
from dslc.tools.backends import find_backend
from tests.train.projects import SPECS

TOTAL = 50
Rate = Callable[[int], float]


def cosine(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2


CASES: dict[str, Rate] = {
    "cosine": lambda k: cosine(k / TOTAL),
    "{cosine: {final: 0.25}}": lambda k: 0.25 + 0.75 * cosine(k / TOTAL),
    "{cosine: {warmup: 10}}": lambda k: (k + 1) / 10 if k < 10 else cosine((k - 10) / 40),
    "{linear: {final: 0.1}}": lambda k: 1 - 0.9 * k / TOTAL,
    "{linear: {warmup: 4}}": lambda k: (k + 1) / 4 if k < 4 else 1 - (k - 4) / 46,
    "{constant: {warmup: 7}}": lambda k: min(1.0, (k + 1) / 7),
    "polynomial": lambda k: (1 - k / TOTAL) ** 2,
    "{polynomial: {power: 0.5, final: 0.2, warmup: 5}}": lambda k: (
        (k + 1) / 5 if k < 5 else 0.2 + 0.8 * (1 - (k - 5) / 45) ** 0.5
    ),
    "one_cycle": lambda k: (
        0.04 + 0.96 * (1 - cosine(k / 15)) if k < 15 else 1 - cosine((TOTAL - k) / 35)
    ),
    "{one_cycle: {rise: 0.5, start: 0.1, final: 0.01}}": lambda k: (
        0.1 + 0.9 * (1 - cosine(k / 25)) if k < 25 else 0.01 + 0.99 * (1 - cosine((50 - k) / 25))
    ),
    "{step: {every: 20, factor: 0.5}}": lambda k: 0.5 ** (k // 20),
    "{step: {every: 9, warmup: 5}}": lambda k: (k + 1) / 5 if k < 5 else 0.1 ** ((k - 5) // 9),
}


@pytest.mark.parametrize("schedule", CASES)
def test_rates(schedule: str, tmp_path: Path) -> None:
    spec = tmp_path / "net.yaml"
    lines = (SPECS / "diabetes.yaml").read_text().splitlines()
    spec.write_text(
        "\n".join(f"  schedule: {schedule}" if "schedule:" in line else line for line in lines)
    )
    source = str(find_backend("torch").project(check_file(str(spec)))["train.py"])
    start = source.index("def learning_rate")
    text = source[start : source.index("\ndef ", start + 1)]
    constants = [line for line in source.splitlines() if line.startswith(("LEARNING_", "WARMUP"))]
    space: dict[str, object] = {"math": math}
    exec("\n".join([*constants, text]), space)
    rate = space["learning_rate"]
    assert callable(rate)
    for step in range(TOTAL):
        assert rate(step, TOTAL) == pytest.approx(0.01 * CASES[schedule](step), rel=1e-12), step
