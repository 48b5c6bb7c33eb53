"""Mutated specs: never a traceback, always exit 0 or 1, and each error with a place in the file."""

import os
import random
import re
from pathlib import Path

import pytest

from dslc.cli.main import main

ROOT = Path(__file__).parents[2]
SPECS = sorted(
    [
        *(ROOT / "specs" / "zoo").glob("*.yaml"),
        *(ROOT / "dslc" / "cli" / "templates").glob("*.yaml"),
        *(ROOT / "examples").glob("*/net.yaml"),
    ]
)
ROUNDS = 400 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 40
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
        path = tmp_path / f"{number}.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        status = main(["check", str(path)])
        printed = capsys.readouterr().err
        assert status in (0, 1), path.read_text(encoding="utf-8")
        errors = printed.count("error[")
        assert (status == 1) == (errors > 0), path.read_text(encoding="utf-8")
        assert len(PLACE.findall(printed)) >= errors, path.read_text(encoding="utf-8")
