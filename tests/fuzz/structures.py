"""Structures of a random network: groups, branches, repeats, conditions, scans, blocks, reuse.

Each is made of steps that passed the checker one by one, and passes it once more as a whole.
"""

from typing import Any

from hypothesis import strategies as st

from dslc.ir.types import FLOATS
from dslc.ops import find
from tests.fuzz.scope import MODEL, Network, Scope, Value
from tests.fuzz.typing import Step, Type

JOINS = ["add", "mul", "concat", "stack"]
TIMES: list[Any] = [2, "count", 1, 0, 3]
CONDITIONS = ["flag", "not flag", "count > 1", "count == 1 or flag"]


def some_structure(scope: Scope, depth: int) -> Value | None:
    """Adds a structure on a value of floats; None where nothing came of it."""
    values = [value for value in scope.visible() if value.is_float and value.type.rank > 1]
    if not values:
        return None
    value = scope.draw(st.sampled_from(values[::-1][:4]))
    mark = scope.mark()
    known = len(scope.net.blocks)
    found = scope.draw(st.sampled_from(STRUCTURES))(scope, value, depth)
    if found is None:
        scope.back(mark)
        for name in list(scope.net.blocks)[known:]:
            del scope.net.blocks[name]
    return found


def region(scope: Scope, type: Type, depth: int, *, keeps: bool, closed: bool = False) -> Scope:
    """The steps of a structure on an input of a type; with `keeps` they give that type again."""
    around = ((), ()) if closed else (scope.visible(), scope.weights)
    inner = Scope(scope.net, *around, closed=closed)
    first = inner.begin(type)
    if first is None:
        return inner
    for _ in range(scope.draw(st.integers(1, 3))):
        some_step(inner, depth)
    if keeps and inner.values[-1].type != type:
        restore(inner, first)
    return inner


def restore(inner: Scope, first: Value) -> None:
    """Ends a region with a value of its input's type that depends on its last one."""
    last = inner.values[-1]
    if last.type.dtype not in FLOATS:
        last = inner.add({"cast": "f32", "from": last.path}, last) or first
    inner.gated(first, last)


def some_step(scope: Scope, depth: int) -> None:
    """Adds an op or, now and then, a structure."""
    if depth > 0 and scope.draw(st.integers(0, 3)) == 0:
        some_structure(scope, depth - 1)
    else:
        scope.some_op()


def put(scope: Scope, action: Step, value: Value, **more: Any) -> Value | None:
    """Adds a structure that reads a value."""
    return scope.add({**action, "from": value.path, **more}, value)


def residual(scope: Scope, value: Value, depth: int) -> Value | None:
    """The sum of two paths; what is inside can be read behind it."""
    inner = region(scope, value.type, depth, keeps=True)
    action: Step = {"residual": inner.steps}
    if scope.draw(st.booleans()):
        other = region(scope, value.type, depth, keeps=True)
        action = {"residual": {"main": inner.steps, "shortcut": other.steps}}
    name = scope.net.name()
    return handing_out(scope, inner, put(scope, action, value, name=name), f"{name}.")


def handing_out(scope: Scope, inner: Scope, found: Value | None, path: str) -> Value | None:
    """Lets later steps read what is inside a structure, its own value being the newest."""
    if found is not None:
        own = scope.values[:]
        scope.values = [Value(path + v.path, v.type) for v in inner.values] + own
        scope.values.sort(key=own.__contains__)
    return found


def parallel(scope: Scope, value: Value, depth: int) -> Value | None:
    """Branches from one input that meet again."""
    count = scope.draw(st.integers(2, 3))
    paths = [region(scope, value.type, depth, keeps=True) for _ in range(count)]
    join = scope.draw(st.sampled_from(JOINS))
    fields: Step = {"join": join}
    if join in ("concat", "stack") and scope.draw(st.booleans()):
        fields["axis"] = scope.draw(st.integers(-2, value.type.rank - 1))
    return branched(scope, value, paths, fields)


def fork(scope: Scope, value: Value, depth: int) -> Value | None:
    """Branches that each give an output of their own."""
    paths = [region(scope, value.type, depth, keeps=False) for _ in range(2)]
    return branched(scope, value, paths, {"join": "none"})


def branched(scope: Scope, value: Value, paths: list[Scope], fields: Step) -> Value | None:
    """Branches in a list, or with names by which what is inside can be read."""
    if scope.draw(st.booleans()):
        branches = [path.steps for path in paths]
        return put(scope, {"parallel": {"branches": branches, **fields}}, value)
    named = {scope.net.name("b"): path for path in paths}
    branches = {name: path.steps for name, path in named.items()}
    name = scope.net.name()
    found = put(scope, {"parallel": {"branches": branches, **fields}}, value, name=name)
    for label, path in named.items():
        handing_out(scope, path, found, f"{name}.{label}.")
    return found


def group(scope: Scope, value: Value, depth: int) -> Value | None:
    """A group with a name, whose values can be read by their paths."""
    inner = region(scope, value.type, depth, keeps=False)
    name = scope.net.name("g")
    found = put(scope, {"group": inner.steps}, value, name=name)
    return handing_out(scope, inner, found, f"{name}.")


def condition(scope: Scope, value: Value, depth: int) -> Value | None:
    """A group that is there or is not."""
    inner = region(scope, value.type, depth, keeps=True)
    when = scope.draw(st.sampled_from(CONDITIONS))
    return put(scope, {"group": inner.steps}, value, when=when)


def repeat(scope: Scope, value: Value, depth: int) -> Value | None:
    """A group that runs several times, with weights of its own each time or one set."""
    inner = region(scope, value.type, depth, keeps=True)
    times = scope.draw(st.sampled_from(TIMES))
    again: Any = scope.draw(st.sampled_from([times, {"times": times, "share": True}]))
    name = scope.net.name("g")
    found = put(scope, {"group": inner.steps}, value, name=name, repeat=again)
    if found is None or not isinstance(again, int) or again == 0:
        return found
    for number in sorted({0, again - 1}):
        handing_out(scope, inner, found, f"{name}.{number}.")
    return every_instance(scope, inner, name, again) if scope.draw(st.booleans()) else found


def every_instance(scope: Scope, inner: Scope, name: str, times: int) -> Value | None:
    """A value of every instance of a repeat, put together."""
    value = scope.draw(st.sampled_from(inner.values))
    if value.type.dtype not in FLOATS or times < 2:
        return scope.newest()
    join = scope.draw(st.sampled_from(["add", "mul", "stack", "maximum"]))
    found = scope.add({join: None, "from": [f"{name}.0.{value.path}"] * times})
    if found is not None:
        scope.steps[-1]["from"] = [f"{name}.*.{value.path}"]
    return found


def again(scope: Scope, value: Value, depth: int) -> Value | None:
    """One op several times, each on what the one before gives."""
    del depth
    size = value.type.fixed(-1)
    step: Step = {"linear": size} if size and scope.draw(st.booleans()) else {"$act": None}
    times = scope.draw(st.sampled_from(TIMES))
    shares = {"times": times, "share": True}
    return put(scope, step, value, repeat=scope.draw(st.sampled_from([times, shares])))


def loop(scope: Scope, value: Value, depth: int) -> Value | None:
    """A group whose numbers are other ones in each round."""
    del depth
    item, index = scope.net.name("k"), scope.net.name("k")
    rounds: list[tuple[Any, list[Step]]] = [
        (
            {"over": scope.draw(st.sampled_from([[1, 2], [3], [2, 1, 3]])), "as": item},
            [{"leaky_relu": f"{item} / 10"}, {"expr": f"x / {item} + 0.1"}],
        ),
        (
            {"over": [[1, 0.5], [2, 0.1]], "as": [item, index]},
            [{"leaky_relu": index}, {"expr": f"x / {item} - {index}"}],
        ),
        (
            {"times": scope.draw(st.sampled_from(TIMES)), "index": index},
            [{"$act": None, "when": f"{index} % 2 == 1"}, {"expr": f"x / ({index} + 1) + 0.1"}],
        ),
    ]
    repeat, inner = scope.draw(st.sampled_from(rounds))
    return put(scope, {"group": inner}, value, repeat=repeat)


def scan(scope: Scope, value: Value, depth: int) -> Value | None:
    """A loop over time with a carried state."""
    row = dropped(value.type)
    start = scope.source(row) if scope.draw(st.booleans()) else None
    start = start or scope.made_from(value, row)
    if start is None or start.type != row:
        return None
    one, carried = scope.net.name("s"), scope.net.name("h")
    visible = [*scope.visible(), Value(one, row), Value(carried, row)]
    inner = Scope(scope.net, visible, scope.weights)
    met = inner.add({"add": None, "from": [one, carried]})
    if met is None:
        return None
    for _ in range(scope.draw(st.integers(1, 2))):
        some_step(inner, min(depth, 0))
    restore(inner, met)
    body = {
        "over": {one: value.path},
        "carry": {carried: start.path},
        "steps": inner.steps,
        "next": {carried: inner.values[-1].path},
        "out": scope.draw(st.sampled_from([v.path for v in inner.values if v.is_float][::-1])),
        "reverse": scope.draw(st.booleans()),
    }
    return scope.add({"scan": body}, value, start)


def rounds(scope: Scope, value: Value, depth: int) -> Value | None:
    """A loop that runs as often as it says, with a carried state alone."""
    carried = scope.net.name("h")
    inner = Scope(scope.net, [*scope.visible(), Value(carried, value.type)], scope.weights)
    first = inner.add({"$act": None, "from": carried})
    if first is None:
        return None
    for _ in range(scope.draw(st.integers(1, 2))):
        some_step(inner, min(depth, 0))
    restore(inner, first)
    body = {
        "carry": {carried: value.path},
        "steps": inner.steps,
        "next": {carried: inner.values[-1].path},
        "times": scope.draw(st.sampled_from([2, 3, "count + 1"])),
    }
    return scope.add({"scan": body}, value)


def dropped(type: Type) -> Type:
    """A sequence's type without its time axis."""
    kept = [dim for axis, dim in enumerate(type.dims) if axis != 1]
    return Type(f"{type.dtype}[{', '.join(kept)}]")


def block(scope: Scope, value: Value, depth: int) -> Value | None:
    """A block of its own, called once or twice or by a repeat; a number of it is a param."""
    keeps = scope.draw(st.booleans())
    inner = region(scope, value.type, depth, keeps=keeps, closed=True)
    dims = ", ".join(f"D{axis}" for axis in range(value.type.rank))
    name = scope.net.name("Block")
    if scope.draw(st.booleans()):
        dims = "..."
    given = parametrised(inner.steps, scope.net)
    define(scope, name, inner, f"{value.type.dtype}[{dims}]", given)
    if keeps and scope.draw(st.booleans()):
        return put(scope, {name: None}, value, repeat=scope.draw(st.sampled_from(TIMES)))
    found = put(scope, {name: None}, value)
    if found is not None and scope.draw(st.booleans()):
        again = {key: scope.draw(st.integers(1, 4)) for key in given}
        other = found if found.is_float else value
        found = put(scope, {name: again or None}, other) or found
    return found


def model(scope: Scope, value: Value, depth: int) -> Value | None:
    """A model beside the network's own, called once or twice, with one set of weights."""
    if not all(dim.isalnum() for dim in value.type.dims):
        return None
    inner = region(scope, value.type, depth, keeps=scope.draw(st.booleans()), closed=True)
    name = scope.net.name(MODEL)
    define(scope, name, inner, value.type.text, {})
    found = put(scope, {name: None}, value)
    alike = [v for v in scope.visible() if v.type == value.type]
    if found is not None and scope.draw(st.booleans()):
        found = put(scope, {name: None}, scope.draw(st.sampled_from(alike[::-1]))) or found
    return found


def define(scope: Scope, name: str, inner: Scope, type: str, given: dict[str, int]) -> None:
    """Adds a block, which often hands out more than its value."""
    others = inner.values[:-1] if scope.draw(st.booleans()) else []
    few = others[: scope.draw(st.integers(1, 2))]
    scope.net.blocks[name] = {
        "params": given,
        "inputs": {"x": type},
        "steps": inner.steps,
        "outputs": {scope.net.name("o"): value.path for value in few},
    }


def parametrised(steps: list[Step], net: Network) -> dict[str, int]:
    """Makes a param of one integer of the steps; gives it with its value."""
    for step in steps:
        for op, fields in step.items():
            numbers = list(fields) if isinstance(fields, dict) else []
            for key in numbers:
                if type(fields[key]) is int and key not in ("axis", "index"):
                    name, number = net.name("p"), fields[key]
                    step[op] = {**fields, key: name}  # another step may have the same fields
                    return {name: number}
    return {}


def reuse(scope: Scope, value: Value, depth: int) -> Value | None:
    """A step of the scope once more, or one like it with some of its weights, on another input."""
    del depth, value
    paths = {v.path: v for v in scope.values}
    single = [s for s in scope.steps if isinstance(s.get("from"), str) and "reuse" not in s]
    single = [s for s in single if "expr" not in s and "scan" not in s and s["name"] in paths]
    if not single:
        return None
    step = scope.draw(st.sampled_from(single[::-1]))
    known = {v.path: v for v in scope.visible()}
    wanted = known[step["from"]].type if step["from"] in known else None
    alike = [v for v in scope.visible() if v.type == wanted and v.path != step["from"]]
    if not alike:
        return None
    other = scope.draw(st.sampled_from(alike[::-1]))
    scope.steps.append({**like(scope, step), "from": other.path, "name": scope.net.name()})
    scope.values.append(Value(scope.steps[-1]["name"], paths[step["name"]].type))
    return scope.values[-1]


def like(scope: Scope, step: Step) -> Step:
    """What runs a step again; for an op that learns often another one, tied to it."""
    op, name = next(iter(step)), step["name"]
    own = [
        path.removeprefix(f"{name}.") for path, _ in scope.weights if path.startswith(f"{name}.")
    ]
    if find(op) is None or "repeat" in step or not own or scope.draw(st.booleans()):
        return {"reuse": name}
    some = scope.draw(st.lists(st.sampled_from(own), min_size=1, unique=True))
    return {op: step[op], "tie": {weight: f"{name}.{weight}" for weight in some}}


FORMULAS = [
    "x * sigmoid(1.702 * x)",
    "x / sqrt(2) + 0.1",
    "max(x, 0.2 * x) - min(x, count)",
    "x if x > 0 else exp(min(x, 0)) - 1",
    "tanh(x) ** 2 * (x > -2)",
    "clip(x, -1, 1) if flag else gelu(x, tanh)",
    "x / sqrt(count + 1) + leaky_relu(-x, slope=0.3)",
    "x if 0 < x <= 1 and not x > 2 else abs(x) / 2",
]


def formula(scope: Scope, value: Value, depth: int) -> Value | None:
    """Arithmetic in one step."""
    del depth
    return put(scope, {"expr": scope.draw(st.sampled_from(FORMULAS))}, value)


STRUCTURES = [
    residual, parallel, group, repeat, block, scan, reuse, condition, fork, loop, formula,
    again, rounds, model,
]  # fmt: skip
"""What can be built, the simplest first."""
