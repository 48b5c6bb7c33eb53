"""Mutated specs: never a traceback, always exit 0 or 1, and each error with a place in the file."""

import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from dslc.cli.main import main

ROOT = Path(__file__).parents[2]
SPECS = sorted(
    [
        *(ROOT / "specs" / "zoo").glob("*.yaml"),
        *(ROOT / "dslc" / "cli" / "templates").glob("*.yaml"),
        *(ROOT / "examples").glob("*/net.yaml"),
        *(ROOT / "tests" / "networks" / "specs").glob("*.yaml"),
        *(ROOT / "tests" / "train" / "specs").glob("*.yaml"),
    ]
)
ROUNDS = settings().max_examples // 5 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 40
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+")
ODD = (
    "",
    "~",
    "[]",
    "{}",
    "-1",
    "0",
    "1e9",
    "true",
    "x",
    "N",
    "[N, 3]",
    "relu",
    "2 ** 62",
    "'a'",
    "H // 0",
    "$x",
)
LONGEST = 5
"""Seconds of computing that no spec may take."""
PLACE = re.compile(r"^ *--> \S+\.yaml:[1-9][0-9]*:[1-9][0-9]*$", re.MULTILINE)


def drop(lines: list[str], chance: random.Random) -> None:
    del lines[chance.randrange(len(lines))]


def double(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    lines.insert(at, lines[at])


def exchange(lines: list[str], chance: random.Random) -> None:
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]


def indent(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    lines[at] = "  " + lines[at] if chance.random() < 0.5 else lines[at].removeprefix("  ")


def reword(lines: list[str], chance: random.Random) -> None:
    """Puts one word of the file, or an odd value, in the place of another."""
    at = chance.randrange(len(lines))
    words = list(WORD.finditer(lines[at]))
    if not words:
        return
    match = chance.choice(words)
    others = WORD.findall(" ".join(lines))
    new = chance.choice(ODD) if chance.random() < 0.5 else chance.choice(others)
    lines[at] = lines[at][: match.start()] + new + lines[at][match.end() :]


def misspell(lines: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    if lines[at]:
        place = chance.randrange(len(lines[at]))
        lines[at] = lines[at][:place] + lines[at][place + 1 :]


MUTATIONS = (drop, double, exchange, indent, reword, reword, reword, misspell)


Container = Any
"""A mapping or a list of a spec as data."""
VALUES: tuple[Callable[[], Any], ...] = (
    *(lambda: None, list, dict, lambda: -1, lambda: 0, lambda: 10**9, lambda: 1 << 70),
    *(lambda: True, lambda: 0.5, lambda: float("nan"), lambda: "", lambda: "x", lambda: "N"),
    *(lambda: "relu", lambda: ["relu"], lambda: {"relu": None}, lambda: [[]], lambda: {"a": []}),
    *(lambda: "H // 0", lambda: "$act", lambda: "Unknown", lambda: "f32[N, 3]", lambda: "a.b[0]"),
)


def places(data: Any) -> Iterator[tuple[Container, Any]]:
    """Every place of a tree: what holds it, and the key or index there."""
    keys = list(data) if isinstance(data, dict) else list(range(len(data)))
    for key in keys:
        yield data, key
        if isinstance(data[key], dict | list):
            yield from places(data[key])


def mutate_tree(data: Any, chance: random.Random) -> None:
    """Takes a value out, or puts another in its place: an odd one, or one from elsewhere."""
    found = list(places(data))
    if not found:
        return
    (holder, key), (other, place) = chance.choice(found), chance.choice(found)
    action = chance.randrange(5)
    if action == 0:
        del holder[key]
    elif action == 1:
        holder[key] = json.loads(json.dumps(other[place]))
    elif action == 2:
        holder[key], other[place] = other[place], json.loads(json.dumps(holder[key]))
    elif action == 3 and isinstance(holder, dict):
        holder[str(place)] = holder.pop(key)
    else:
        holder[key] = chance.choice(VALUES)()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.parent.name}-{spec.stem}")
def test_fuzz_mutated_specs(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DSLC_DEBUG", "1")
    chance = random.Random(spec.stem)
    original = spec.read_text(encoding="utf-8").splitlines()
    for number in range(ROUNDS):
        lines = list(original)
        for _ in range(chance.choice((1, 1, 2, 4))):
            chance.choice(MUTATIONS)(lines, chance)
        check_answer("\n".join(lines) + "\n", tmp_path / f"{number}.yaml", capsys)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.parent.name}-{spec.stem}")
def test_fuzz_mutated_trees(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DSLC_DEBUG", "1")
    chance = random.Random(spec.stem)
    original = yaml.load(spec.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    for number in range(ROUNDS // 2):
        data = json.loads(json.dumps(original))
        for _ in range(chance.choice((1, 1, 2, 4))):
            mutate_tree(data, chance)
        check_answer(json.dumps(data, indent=1), tmp_path / f"{number}.yaml", capsys)


def check_answer(text: str, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Checks a spec; the answer is a status and, with each error, a place."""
    path.write_text(text, encoding="utf-8")
    start = time.process_time()
    status = main(["check", str(path)])
    assert time.process_time() - start < LONGEST, text
    printed = capsys.readouterr().err
    errors = printed.count("error[")
    assert (status == 1) == (errors > 0), text
    assert status in (0, 1), text
    assert len(PLACE.findall(printed)) >= errors, text
