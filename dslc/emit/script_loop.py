"""What a script takes of the loop's template, and under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.header import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Program

LOOP = {"REPORTED": "loss=loss", "reported": "loss", "Watched": "Plateau", "WATCHED": "PLATEAU"}
LOOP_OF_PHASES = {
    "REPORTED": "**losses",
    "reported": "losses",
    "learning_rate": "learning_rates",
    "LEARNING_RATE": "LEARNING_RATES",
    "Watched": "Plateaus",
    "WATCHED": "PLATEAUS",
}
"""Names in the loop's template, as a script with one loss has them, and one with phases."""


def loop_names(flags: Mapping[str, bool]) -> dict[str, str]:
    """What the loop's template calls otherwise."""
    how = "HELD_OUT, SPLIT_SEED"
    rate = "learning_rate(step, total)" if flags["SCHEDULED"] else "LEARNING_RATE"
    return {
        "RATE_AT": "plateau.rate(step, total)" if flags["PLATEAUED"] else rate,
        **(LOOP_OF_PHASES if flags["PHASED"] else LOOP),
        "SOURCE": "arguments.data" if flags["FILES"] else "DATA",
        "HOW_SPLIT": f"{how}, STRATIFY" if flags["STRATIFIED"] else how,
        "outcome": "averaged" if flags["AVERAGES"] else "weights",
    }


def loop_parts(flags: Mapping[str, bool]) -> list[str]:
    """The definitions of the loop's template that a script has."""
    found = ["parse_arguments", "kept_of", "load_rows", "state_of", "begin", "locate"]
    if flags["STOPS"]:
        found.insert(0, "Patience")
    if flags["MEASURES"]:
        found += ["evaluate", "held_out_names"]
    return [*found, "train", "main"]


def facts(program: Program, backend: str) -> str:
    """What a run's record says of its script."""
    params = dict(sorted(program.values.items()))
    found = {"model": program.name, "dslc": VERSION, "backend": backend, "params": params}
    return f"{{'spec': SPEC, {repr(found)[1:]}"
