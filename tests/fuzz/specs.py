"""Random specs that are right by construction, as data: hypothesis draws them, YAML shows them."""

from typing import Any

from hypothesis import strategies as st

from dslc.diagnostics import Report
from dslc.passes.pipeline import Checked, check_source
from tests.fuzz.importing import in_two, source_of
from tests.fuzz.menu import FACTS, mentions
from tests.fuzz.scope import MODEL, Network, Scope, Value, paths_in, ties_in
from tests.fuzz.structures import some_step
from tests.fuzz.typing import SYMBOLS, Type

Spec = dict[str, Any]
STARTS = [
    "f32[N, 4, H, W]",
    "f32[N, T, 6]",
    "f32[N, 4]",
    "f32[N, 4, L]",
    "f32[N, 3, 4, H, W]",
    "f32[N, 2, T, 4]",
]
STRUCTURAL = {"repeat", "when", "from", "name", "type", "init", "tie", "freeze", "doc"}
WHOLE = "Whole"
"""The network's name where it stands beside other models."""


@st.composite
def networks(draw: st.DrawFn, most: int = 16) -> Spec:
    """A whole spec whose outputs are what nothing in it reads, every step with its name and sources.

    Beside it stand the `types` of its values, which no spec has: `tidy` makes one of it.
    """
    net = Network(draw)
    scope = Scope(net)
    first = Type(draw(st.sampled_from(STARTS)))
    net.inputs["x"] = first
    scope.outer.append(Value("x", first))
    for _ in range(draw(st.integers(4, most))):
        some_step(scope, depth=2)
    return assembled(net, scope)


def assembled(net: Network, scope: Scope) -> Spec:
    """The spec of a network: outputs, the facts and inputs that it needs, no needless words."""
    read = paths_in(scope.steps)
    ends = [v.path for v in scope.values if v.path not in read and "." not in v.path]
    sizes = {dim for type in net.inputs.values() for dim in type.dims}
    symbols = mentions(scope.steps) - sizes
    inputs = {name: str(type) for name, type in net.inputs.items()}
    inputs |= {"sizes": f"f32[{', '.join(sorted(symbols))}]"} if symbols else {}
    spec: Spec = {
        "dslc": 1,
        "name": "Fuzz",
        "params": net.params,
        "inputs": inputs,
        "where": [fact for fact in FACTS if mentions([fact]) <= symbols | sizes],
        "types": net.types,
        "blocks": net.blocks,
        "steps": scope.steps,
        "outputs": {f"y{k}": path for k, path in enumerate(ends)},
        "imports": net.draw(st.booleans()),
    }
    return spec


def tidy(spec: Spec) -> Spec:
    """The spec without sections that are empty, and names and sources that go without saying."""
    known = {key: value for key, value in spec.items() if key not in ("types", "imports")}
    spec = {key: value for key, value in known.items() if value or key == "steps"}
    spec["steps"] = implied(spec["steps"])
    spec["blocks"] = {
        name: {**body, "steps": implied(body["steps"])}
        for name, body in spec.get("blocks", {}).items()
    }
    bodies = [spec["steps"], *(body["steps"] for body in spec["blocks"].values())]
    read = paths_in(bodies) | set(spec["outputs"].values()) | also_named(bodies) | ties_in(bodies)
    for name, body in spec["blocks"].items():
        read |= set(body["outputs"].values())
        read |= {body["steps"][-1]["name"]} if name.startswith(MODEL) else set()
    parts = {part for path in read for part in path.split(".")}
    spec["steps"] = unnamed(spec["steps"], parts)
    for body in spec["blocks"].values():
        body["steps"] = unnamed(body["steps"], parts)
    return in_models({key: value for key, value in spec.items() if key != "blocks" or value})


def in_models(spec: Spec) -> Spec:
    """The spec with the blocks that are models beside the network as a model."""
    blocks = spec.get("blocks", {})
    models = {name: as_model(body) for name, body in blocks.items() if name.startswith(MODEL)}
    if not models:
        return spec
    own = {key: spec[key] for key in OWN if key in spec}
    rest = {key: value for key, value in spec.items() if key not in (*OWN, "blocks")}
    if kept := {name: body for name, body in blocks.items() if name not in models}:
        rest["blocks"] = kept
    return {**rest, "models": {**models, WHOLE: own}, "main": WHOLE}


OWN = ("inputs", "where", "steps", "outputs")
"""What each model has for itself."""


def as_model(body: Spec) -> Spec:
    """A block as a model: its value is its first output, and it says what it supposes."""
    last = body["steps"][-1]["name"]
    where = [fact for fact in FACTS if mentions([fact]) <= mentions(body["inputs"])]
    return {
        "inputs": body["inputs"],
        "where": where,
        "steps": body["steps"],
        "outputs": {"y": last, **body["outputs"]},
    }


def also_named(part: Any) -> set[str]:
    """Names that are read elsewhere than in `from`."""
    if isinstance(part, list):
        return set().union(*map(also_named, part)) if part else set()
    if not isinstance(part, dict):
        return set()
    found = set().union(*map(also_named, part.values())) if part else set()
    others = [*part.get("next", {}).values(), part.get("out"), part.get("reuse")]
    return found | {name for name in others if isinstance(name, str)}


def implied(part: Any) -> Any:
    """Steps without a `from` that says only what stands above."""
    if isinstance(part, dict):
        return {key: implied(value) for key, value in part.items()}
    if not isinstance(part, list):
        return part
    found: list[Any] = []
    for number, item in enumerate(part):
        before = part[number - 1] if number else None
        step = implied(item)
        above = before.get("name") if isinstance(before, dict) else None
        if isinstance(step, dict) and above and step.get("from") in (above, [above]):
            step = {key: value for key, value in step.items() if key != "from"}
        found.append(step)
    return found


def unnamed(part: Any, read: set[str]) -> Any:
    """Steps without the names that nothing reads; one that is an op alone is a word."""
    if isinstance(part, list):
        return [unnamed(item, read) for item in part]
    if not isinstance(part, dict):
        return part
    if is_step(part) and part.get("name") not in read:
        part = {key: value for key, value in part.items() if key != "name"}
        if len(part) == 1 and next(iter(part.values())) is None:
            return next(iter(part))
    return {key: unnamed(value, read) for key, value in part.items()}


def is_step(part: dict[str, Any]) -> bool:
    """Whether a mapping is a step."""
    return isinstance(part.get("name"), str) and "dslc" not in part


def count_steps(part: Any) -> int:
    """The steps of a spec as they are written, those inside structures included."""
    if isinstance(part, list):
        return sum(map(count_steps, part))
    if not isinstance(part, dict):
        return 0
    own = sum(isinstance(item, dict | str) for key in LISTS for item in as_steps(part.get(key)))
    return own + sum(count_steps(value) for value in part.values())


LISTS = ("steps", "residual", "group", "main", "shortcut")


def as_steps(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def checked(spec: Spec, report: Report | None = None) -> Checked | None:
    """The spec as the checker takes it; None where it does not."""
    source, loader = source_of(*files(spec))
    return check_source(source, report or Report(), loader=loader)


def files(spec: Spec) -> tuple[Spec, Spec | None]:
    """The spec as it is written, and the file that it imports, if it was drawn to have one."""
    plain = tidy(spec)
    return in_two(plain) if spec.get("imports") else (plain, None)


__all__ = ["SYMBOLS", "Spec", "checked", "count_steps", "files", "networks"]
