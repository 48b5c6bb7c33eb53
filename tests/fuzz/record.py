"""Verdicts in a file, a line for each chunk, so that a long run can go on where it stopped."""

import json
from pathlib import Path
from typing import Any

from tests.fuzz.judging import Finding, Verdict

Chunks = dict[int, list[Verdict]]


def read_record(path: Path | None) -> Chunks:
    """The chunks that were judged before, by their seeds."""
    if path is None or not path.is_file():
        return {}
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {line["seed"]: [from_plain(item) for item in line["verdicts"]] for line in lines}


def write_record(path: Path, seed: int, chunk: list[Verdict]) -> None:
    """Adds a chunk."""
    line = json.dumps({"seed": seed, "verdicts": [to_plain(verdict) for verdict in chunk]})
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def to_plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON has it."""
    findings = [[found.backend, found.words, found.spec] for found in verdict.findings]
    return {**vars(verdict), "ops": sorted(verdict.ops), "findings": findings}


def from_plain(fields: dict[str, Any]) -> Verdict:
    """The verdict again."""
    verdict = Verdict()
    vars(verdict).update(fields)
    verdict.ops = set(fields["ops"])
    verdict.findings = [Finding(*found) for found in fields["findings"]]
    return verdict
