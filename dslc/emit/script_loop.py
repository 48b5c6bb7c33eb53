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


STORE = 'Path(__file__).parent / "rows"'
"""Where rows are kept that stay on disk."""


def loop_names(flags: Mapping[str, bool]) -> dict[str, str]:
    """What the loop's template calls otherwise."""
    rate = "learning_rate(step, total)" if flags["SCHEDULED"] else "LEARNING_RATE"
    how = "HELD_OUT, SPLIT_SEED" + (", STRATIFY" if flags["STRATIFIED"] else "")
    source = "arguments.data" if flags["FILES"] else "DATA"
    rows = f"split(load_rows({source}), {how})" if flags["MEASURES"] else f"load_rows({source})"
    native = flags["TURNED"] and flags["LATE"]
    return {
        "RATE_AT": "plateau.rate(step, total)" if flags["PLATEAUED"] else rate,
        **(LOOP_OF_PHASES if flags["PHASED"] else LOOP),
        "SOURCE": source,
        "THE_ROWS": "learned_rows(arguments)" if flags["LEARNS"] else rows,
        "HOW_READ": f"COLUMNS, {STORE}" if flags["STORED"] else "COLUMNS",
        "MEASURE": "lambda rows: trainer.measure(to_native(rows))" if native else "trainer.measure",
        "PAGE": "shown(trainer, held_out)" if flags["SHOWS"] else "",
        "PREDICT": "lambda rows: trainer.predict(to_native(rows))" if native else "trainer.predict",
        "PARTS": "training, held_out" if flags["MEASURES"] else "training",
        "Rows": "tuple[Arrays, Arrays]" if flags["MEASURES"] else "Arrays",
        "HOW_SPLIT": how,
        "outcome": outcome(flags),
    }


def outcome(flags: Mapping[str, bool]) -> str:
    """What gives the weights that a run ends on."""
    if flags["ADAPTS"]:
        return "adapted_weights"
    return "averaged" if flags["AVERAGES"] else "weights"


def loop_parts(flags: Mapping[str, bool]) -> list[str]:
    """The definitions of the loop's template that a script has."""
    found = ["parse_arguments", "kept_of", "load_rows", "state_of", "open_run", "begin", "locate"]
    if flags["LEARNS"]:
        found.insert(found.index("load_rows") + 1, "learned_rows")
    if flags["STOPS"]:
        found.insert(0, "Patience")
    if flags["MEASURES"]:
        found += ["evaluate", "held_out_names"]
    if flags["SHOWS"]:
        found.append("shown")
    return [*found, "train", "main"]


def facts(program: Program, backend: str) -> str:
    """What a run's record says of its script."""
    params = dict(sorted(program.values.items()))
    found = {"model": program.name, "dslc": VERSION, "backend": backend, "params": params}
    return f"{{'spec': SPEC, {repr(found)[1:]}"
