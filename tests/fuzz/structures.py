"""Structures of a random network: groups, branches, repeats, conditions, scans, blocks, reuse.

Each is made of steps that passed the checker one by one, and passes it once more as a whole.
"""

from typing import Any

from hypothesis import strategies as st

from dslc.ir.types import FLOATS
from tests.fuzz.scope import Network, Scope, Value
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
    inner = Scope(scope.net, () if closed else scope.visible(), closed=closed)
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
    if depth > 0 and scope.draw(st.integers(0, 4)) == 0:
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
    paths = [region(scope, value.type, depth, keeps=True).steps for _ in range(count)]
    branches: Any = paths
    if scope.draw(st.booleans()):
        branches = {scope.net.name("b"): path for path in paths}
    fields = {"branches": branches, "join": scope.draw(st.sampled_from(JOINS))}
    return put(scope, {"parallel": fields}, value)


def fork(scope: Scope, value: Value, depth: int) -> Value | None:
    """Branches that each give an output of their own."""
    paths = [region(scope, value.type, depth, keeps=False).steps for _ in range(2)]
    branches: Any = paths
    if scope.draw(st.booleans()):
        branches = {scope.net.name("b"): path for path in paths}
    return put(scope, {"parallel": {"branches": branches, "join": "none"}}, value)


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
    is_apart = found is not None and isinstance(again, int) and again > 0
    return handing_out(scope, inner, found, f"{name}.0.") if is_apart else found


def loop(scope: Scope, value: Value, depth: int) -> Value | None:
    """An op whose number is another one in each round."""
    item = scope.net.name("k")
    over = scope.draw(st.sampled_from([[1, 2], [3], [2, 1, 3]]))
    inner: list[Step] = [{"leaky_relu": f"{item} / 10"}, {"expr": f"x / {item} + 0.1"}]
    del depth
    return put(scope, {"group": inner}, value, repeat={"over": over, "as": item})


def scan(scope: Scope, value: Value, depth: int) -> Value | None:
    """A loop over time with a carried state."""
    row = dropped(value.type)
    start = scope.source(row) if scope.draw(st.booleans()) else None
    start = start or scope.made_from(value, row)
    if start is None or start.type != row:
        return None
    one, carried = scope.net.name("s"), scope.net.name("h")
    inner = Scope(scope.net, [*scope.visible(), Value(one, row), Value(carried, row)])
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


def dropped(type: Type) -> Type:
    """A sequence's type without its time axis."""
    kept = [dim for axis, dim in enumerate(type.dims) if axis != 1]
    return Type(f"{type.dtype}[{', '.join(kept)}]")


def block(scope: Scope, value: Value, depth: int) -> Value | None:
    """A block of its own, called once or twice; a number of it is a param."""
    inner = region(scope, value.type, depth, keeps=False, closed=True)
    dims = ", ".join(f"D{axis}" for axis in range(value.type.rank))
    name = scope.net.name("Block")
    if scope.draw(st.booleans()):
        dims = "..."
    given = parametrised(inner.steps, scope.net)
    scope.net.blocks[name] = {
        "params": given,
        "inputs": {"x": f"{value.type.dtype}[{dims}]"},
        "steps": inner.steps,
    }
    found = put(scope, {name: None}, value)
    if found is not None and scope.draw(st.booleans()):
        again = {key: scope.draw(st.integers(1, 4)) for key in given}
        other = found if found.is_float else value
        found = put(scope, {name: again or None}, other) or found
    return found


def parametrised(steps: list[Step], net: Network) -> dict[str, int]:
    """Makes a param of one integer of the steps; gives it with its value."""
    for step in steps:
        for fields in step.values():
            numbers = list(fields) if isinstance(fields, dict) else []
            for key in numbers:
                if type(fields[key]) is int and key not in ("axis", "index"):
                    name, number = net.name("p"), fields[key]
                    fields[key] = name
                    return {name: number}
    return {}


def reuse(scope: Scope, value: Value, depth: int) -> Value | None:
    """A step of the scope once more, on another input."""
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
    name = scope.net.name()
    scope.steps.append({"reuse": step["name"], "from": other.path, "name": name})
    scope.values.append(Value(name, paths[step["name"]].type))
    return scope.values[-1]


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
]  # fmt: skip
"""What can be built, the simplest first."""
