"""A random network cut down: to what some outputs need, and to the least that still fails."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from time import monotonic
from typing import Any

from tests.fuzz.menu import mentions
from tests.fuzz.scope import paths_in, texts_in, ties_in
from tests.fuzz.specs import Spec
from tests.fuzz.typing import Step, Type, called, renamed

Fails = Callable[[Spec], bool]
MOST_SECONDS = 120


def pruned(spec: Spec) -> Spec:
    """The spec without the steps, inputs, blocks and facts that no output needs."""
    needed = heads(spec["outputs"].values())
    kept: list[Step] = []
    for step in reversed(spec["steps"]):
        if step["name"] in needed:
            kept.append(step)
            needed |= heads(paths_in(step) | ties_in(step)) | {step.get("reuse", "")}
    steps = kept[::-1]
    inputs = {name: type for name, type in spec["inputs"].items() if name in needed}
    sizes = set().union(*(mentions(type) for type in inputs.values())) if inputs else set()
    facts = said_of(sizes | mentions(steps), spec["where"])
    more = sorted(mentions([steps, facts]) - sizes)
    if more or not inputs:
        inputs["sizes"] = f"f32[{', '.join(more or ['N'])}]"
    used = called(steps, spec["blocks"])
    blocks = {name: body for name, body in spec["blocks"].items() if name in used}
    return {**spec, "inputs": inputs, "where": facts, "blocks": blocks, "steps": steps}


def said_of(sizes: set[str], facts: list[str]) -> list[str]:
    """The facts on some sizes, and on those that these bring in."""
    found: list[str] = []
    while more := [fact for fact in facts if mentions(fact) & sizes and fact not in found]:
        found += more
        sizes = sizes | mentions(more)
    return [fact for fact in facts if fact in found]


def heads(paths: Any) -> set[str]:
    """The names that references begin with."""
    return {path.partition(".")[0] for path in paths}


def reduced(spec: Spec, fails: Fails) -> Spec:
    """The least spec that two minutes of trials find which fails as the given one does."""
    ends = monotonic() + MOST_SECONDS
    found = spec
    again = True
    while again:
        again = False
        for smaller in candidates(found):
            if monotonic() > ends:
                return found
            if fails(smaller):
                found, again = smaller, True
                break
    return found


def candidates(spec: Spec) -> Iterator[Spec]:
    """Smaller specs, those that are much smaller first; many of them are wrong."""
    if len(spec["outputs"]) > 1:
        for name, path in spec["outputs"].items():
            yield pruned({**spec, "outputs": {name: path}})
    yield from cut_off(spec)
    yield from without_steps(spec)
    yield from unwrapped(spec)
    yield from without_attributes(spec)
    yield from without_outputs(spec)


def cut_off(spec: Spec) -> Iterator[Spec]:
    """An input in the place of a value, so that nothing above it is needed."""
    for step in reversed(spec["steps"]):
        name, type = step["name"], spec["types"].get(step["name"])
        if type and all(dim.isalnum() for dim in Type(type).dims) and paths_in(step):
            steps = [item for item in spec["steps"] if item is not step]
            if name not in spec["outputs"].values():
                yield pruned({**spec, "inputs": {**spec["inputs"], name: type}, "steps": steps})


def bodies(part: Any) -> Iterator[list[Step]]:
    """Every list of steps, the outer before the inner."""
    if isinstance(part, list):
        if part and all(isinstance(item, dict) and "name" in item for item in part):
            yield part
        for item in part:
            yield from bodies(item)
    elif isinstance(part, dict):
        for value in part.values():
            yield from bodies(value)


def edited(spec: Spec) -> Iterator[tuple[Spec, list[Step], int]]:
    """A copy of the spec for each of its steps, with the list that it stands in and its place."""
    sections = {"steps": spec["steps"], "blocks": spec["blocks"]}
    places = [(k, n) for k, body in enumerate(bodies(sections)) for n in range(len(body))]
    for k, n in reversed(places):
        copy = deepcopy(spec)
        found = list(bodies({"steps": copy["steps"], "blocks": copy["blocks"]}))
        yield copy, found[k], n


def without_steps(spec: Spec) -> Iterator[Spec]:
    """A step taken out; what read it reads what it read."""
    for copy, body, n in edited(spec):
        step = body.pop(n)
        sources = sorted(texts_in(step.get("from")))
        yield pruned(reading(copy, step["name"], sources[0] if sources else None))


def reading(spec: Spec, name: str, other: str | None) -> Spec:
    """The spec with a value's readers on another value."""
    if other is None:
        return spec
    outputs = {key: other if path == name else path for key, path in spec["outputs"].items()}
    return {**renamed(spec, {name: other}), "outputs": outputs, "types": spec["types"]}


def unwrapped(spec: Spec) -> Iterator[Spec]:
    """A structure replaced by the steps in one of its parts."""
    for copy, body, n in edited(spec):
        step = body[n]
        for inner in bodies({key: value for key, value in step.items() if key != "name"}):
            first = {**inner[0], "from": step["from"]} if "from" in step else inner[0]
            last = {**inner[-1], "name": step["name"]}
            steps = [first, *inner[1:-1], last] if len(inner) > 1 else [{**first, **last}]
            other = deepcopy(copy)
            target = list(bodies({"steps": other["steps"], "blocks": other["blocks"]}))
            place = next(found for found in target if found == body)
            place[n : n + 1] = deepcopy(steps)
            yield pruned(other)


def without_attributes(spec: Spec) -> Iterator[Spec]:
    """One attribute or reserved key of a step left out."""
    for copy, body, n in edited(spec):
        for key, fields in list(body[n].items()):
            if key in ("repeat", "when", "init", "tie", "freeze"):
                yield with_step(copy, body, n, {k: v for k, v in body[n].items() if k != key})
            elif isinstance(fields, dict) and key not in ("from", "scan", "parallel"):
                for attribute in fields:
                    less = {k: v for k, v in fields.items() if k != attribute}
                    yield with_step(copy, body, n, {**body[n], key: less or None})


def without_outputs(spec: Spec) -> Iterator[Spec]:
    """A block without what it hands out beside its value."""
    for name, body in spec["blocks"].items():
        if body.get("outputs"):
            yield {**spec, "blocks": {**spec["blocks"], name: {**body, "outputs": {}}}}


def with_step(spec: Spec, body: list[Step], n: int, step: Step) -> Spec:
    """A copy with another step at a place."""
    before = body[n]
    body[n] = step
    found = pruned(deepcopy(spec))
    body[n] = before
    return found
