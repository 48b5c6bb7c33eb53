"""E07xx: params and arguments. Each `bad` and `good` is a whole spec."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry
from dslc.diagnostics.examples import spec, steps


def _call(call: str) -> str:
    """A spec that calls a block with a required and an optional param."""
    return spec(
        "blocks:\n  Dense:\n    params: {width: int, deep: false}\n    steps:\n"
        f"      - linear: width\nsteps:\n  - {call}\n"
    )


ENTRIES: dict[str, Entry] = {
    "E0701": Entry(
        "a block has no such param",
        "A call gives values to the params that the block declares, and to no others.",
        _call("Dense: {width: 4, depth: true}"),
        _call("Dense: {width: 4, deep: true}"),
    ),
    "E0702": Entry(
        "arguments of a call are a mapping",
        "A block's params are given by name: `- Dense: {width: 4}`.",
        _call("Dense: {width: 4}\n  - Dense: 4")
        .replace("  - Dense: {width: 4}\n", "", 1)
        .replace("{width: int, deep: false}", "{width: 4, deep: false}"),
        _call("Dense: {width: 4}"),
    ),
    "E0703": Entry(
        "a call lacks a required param",
        "A param that is declared by a type word alone has no default: each call gives it.",
        _call("Dense"),
        _call("Dense: {width: 4}"),
    ),
    "E0704": Entry(
        "a param's name is in snake_case",
        "Names with a capital letter are symbols for sizes, so that a misspelt param is never taken "
        "for one.",
        steps("- relu", head="params: {Width: 16}\n"),
        steps("- relu", head="params: {width: 16}\n"),
    ),
    "E0705": Entry(
        "no such type of params",
        "A param is an int, float, bool, str or list.",
        steps("- relu", head="params: {width: {type: integer, default: 16}}\n"),
        steps("- relu", head="params: {width: {type: int, default: 16}}\n"),
    ),
    "E0706": Entry(
        "a param's value is of another type than the param",
        "The type is the one that the param is declared with, or that of its default. An int "
        "serves where a float is declared.",
        _call("Dense: {width: 4.5}"),
        _call("Dense: {width: 4}"),
    ),
    "E0707": Entry(
        "`--set` names no param of the spec",
        "`--set name=value` gives a value to one of the file's own params.",
    ),
    "E0708": Entry(
        "a param of the file has no value",
        "A param that is declared by a type word alone is given on the command line "
        "(`--set classes=10`) or when the spec is loaded.",
        steps("- linear: classes", head="params: {classes: int}\n"),
        steps("- linear: classes", head="params: {classes: 10}\n"),
    ),
    "E0721": Entry(
        "a param's value is out of its bounds",
        "A param is declared with `min`, `max` or `choices`, and every value keeps to them: its "
        "default, that of `--set`, and what calls of a block give. Of a list each item does.",
        steps("- linear: width", head="params: {width: {type: int, default: 20, max: 16}}\n"),
        steps("- linear: width", head="params: {width: {type: int, default: 16, max: 16}}\n"),
    ),
    "E0722": Entry(
        "bounds that make no sense",
        "`min` and `max` are numbers in this order and bound numbers; `choices` is a list of values.",
        steps("- linear: n", head="params: {n: {type: int, default: 2, choices: 2}}\n"),
        steps("- linear: n", head="params: {n: {type: int, default: 2, choices: [2]}}\n"),
    ),
}
