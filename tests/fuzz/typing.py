"""What a step gives, asked of the checker: a spec of constants and that step.

So a random network is right by construction, and no shape rule is written twice: each step that is
added has passed the checker on values of exactly the types that it will see.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from dslc.diagnostics import Report
from dslc.ir.elaborate import elaborate
from dslc.limits import Limits
from dslc.passes.pipeline import type_model
from dslc.passes.weights import weights_of
from dslc.source import Source
from dslc.syntax.reader import read

Step = dict[str, Any]
SYMBOLS = ("N", "T", "S", "H", "W", "L", "C")
"""The sizes that only a run knows, as the numeric cases call them."""
MADE = ("f32", "i32", "i64")
"""What a constant can be; any other dtype is cast to."""


class Type:
    """A tensor type as text: a dtype and the texts of its sizes."""

    __slots__ = ("dims", "dtype", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.dtype, _, rest = text.rstrip("]").partition("[")
        self.dims = tuple(split_dims(rest))

    @property
    def rank(self) -> int:
        return len(self.dims)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text

    def fixed(self, axis: int) -> int | None:
        """The size of an axis where it is a number."""
        return int(self.dims[axis]) if self.dims[axis].isdigit() else None


def split_dims(text: str) -> list[str]:
    """Sizes apart at the commas that are in no brackets."""
    found, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [dim.strip() for dim in found if dim.strip()]


class Answer:
    """What the checker says of a step.

    Attributes:
        types: The types of its outputs, its value's under "".
        weights: The trained weights in it, each by its path behind the step's name, with its shape.
    """

    __slots__ = ("types", "weights")

    def __init__(self, types: dict[str, Type], weights: dict[str, tuple[Any, ...]]) -> None:
        self.types = types
        self.weights = weights


@cache
def normal(text: str, facts: tuple[str, ...] = ()) -> Type | None:
    """A type as the checker writes it; None where the facts do not allow it."""
    found = types_of({"identity": None, "from": "v"}, {"v": Type(text)}, facts)
    return found and found[""]


def types_of(
    step: Step,
    values: Mapping[str, Type],
    facts: tuple[str, ...],
    blocks: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> dict[str, Type] | None:
    """The types of a step's outputs on values of some types; None where the checker refuses it."""
    found = answer(step, values, facts, blocks, params)
    return found and found.types


def answer(
    step: Step,
    values: Mapping[str, Type],
    facts: tuple[str, ...],
    blocks: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Answer | None:
    """What the checker says of a step on values of some types; None where it refuses it."""
    aliases = {path: f"given_{number}" for number, path in enumerate(values)}
    given = [made(aliases[path], type) for path, type in values.items()]
    steps = [step for pair in given for step in pair]
    return asked(
        json.dumps(
            {
                "dslc": 1,
                "name": "Trial",
                "params": dict(params or {}),
                "inputs": {"sizes": f"f32[{', '.join(SYMBOLS)}]"},
                "where": list(facts),
                "blocks": dict(blocks or {}),
                "steps": [*steps, {**renamed(step, aliases), "name": "asked"}],
                "outputs": {"y": "asked"},
            }
        )
    )


@cache
def asked(text: str) -> Answer | None:
    """What the checker says of the last step of a spec."""
    source, report, limits = Source("trial.yaml", text), Report(), Limits()
    root = read(source, report, limits)
    program = None if root is None else elaborate(source, root, report, {}, None, limits)
    if program is None or not report.ok:
        return None
    typed = type_model(program, report, limits)
    if typed is None or typed[1] is None or typed[0].passed_over or not report.ok:
        return None
    last = typed[1].body.steps[-1].iterations
    outputs = last[-1].outputs if last and last[-1] is not None else typed[1].outputs
    types = {slot if slot != "y" else "": Type(str(type)) for slot, type in outputs.items()}
    weights = {
        f"{item.path}{'' if item.own else '.weight'}".removeprefix("asked."): item.shape
        for item in weights_of(typed[1])
        if item.role == "trained" and item.dtype == "f32" and item.tied is None
    }
    return Answer(types, weights)


def called(part: Any, blocks: Mapping[str, Any]) -> set[str]:
    """The blocks that steps call, and those that these call."""
    if isinstance(part, list):
        return set().union(*(called(item, blocks) for item in part)) if part else set()
    if not isinstance(part, dict):
        return set()
    found = {key for key in part if key in blocks}
    for name in set(found):
        found |= called(blocks[name]["steps"], blocks)
    return found.union(*(called(value, blocks) for value in part.values()))


def made(name: str, type: Type) -> list[Step]:
    """The steps that make a value of a type."""
    dtype = type.dtype if type.dtype in MADE else "f32"
    shape = [int(dim) if dim.isdigit() else dim for dim in type.dims]
    constant = {"constant": {"value": 1, "shape": shape, "dtype": dtype}, "name": name}
    if dtype == type.dtype:
        return [constant]
    cast = {"cast": type.dtype, "from": f"{name}_plain", "name": name}
    return [{**constant, "name": f"{name}_plain"}, cast]


def renamed(part: Any, aliases: Mapping[str, str]) -> Any:
    """A step, and what is in it, that reads values by other names."""
    if isinstance(part, list):
        return [renamed(item, aliases) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: replaced(value, aliases) if key in READS else renamed(value, aliases)
        for key, value in part.items()
    }


READS = ("from", "over", "carry")


def replaced(source: Any, aliases: Mapping[str, str]) -> Any:
    """The value of `from` with other names."""
    if isinstance(source, list):
        return [replaced(item, aliases) for item in source]
    if isinstance(source, dict):
        return {key: replaced(item, aliases) for key, item in source.items()}
    return aliases.get(source, source) if isinstance(source, str) else source
