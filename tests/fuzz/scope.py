"""A random network while it grows: its inputs, and scopes of steps whose values have known types."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from dslc.ops import find
from tests.fuzz.menu import FACTS, MILD, Use, dtype_kind, menu
from tests.fuzz.typing import SYMBOLS, Step, Type, answer, called, normal

MOST_AXES = 5
"""A gate to a value of more axes would be no network that anyone writes."""
MODEL = "Model"
"""The names of blocks that are models begin so: they have one set of weights."""
Weight = tuple[str, tuple[Any, ...]]
"""A path and a shape."""


class Value:
    """A value that steps can read: its reference and its type."""

    __slots__ = ("path", "type")

    def __init__(self, path: str, type: Type) -> None:
        self.path = path
        self.type = type

    @property
    def is_float(self) -> bool:
        return self.type.dtype == "f32"


class Network:
    """What the whole of a random network shares."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.inputs: dict[str, Type] = {}
        self.blocks: dict[str, Any] = {}
        self.params: dict[str, Any] = {
            "flag": draw(st.booleans()),
            "count": draw(st.integers(1, 2)),
            "act": f"str = {draw(st.sampled_from(MILD))}",
        }
        self.count = 0
        self.types: dict[str, str] = {}

    def name(self, letter: str = "v") -> str:
        """A name that nothing else in the network has."""
        self.count += 1
        return f"{letter}{self.count}"

    def input(self, type: Type) -> Value | None:
        """An input of a type: one that is there, or a new one; each of its sizes has a name."""
        if not all(dim.isalnum() for dim in type.dims):
            return None
        known = [name for name, found in self.inputs.items() if found == type]
        if known and self.draw(st.integers(0, 2)):
            return Value(self.draw(st.sampled_from(known)), type)
        name = self.name("i")
        self.inputs[name] = type
        return Value(name, type)


class Scope:
    """A list of steps, and the values that they can read.

    A closed scope is a block's: it reads no inputs of the model, and speaks of none of its sizes.

    Attributes:
        weights: The weights that a step here can have too, each by its path, with its shape.
    """

    def __init__(
        self,
        net: Network,
        outer: Iterable[Value] = (),
        weights: Iterable[Weight] = (),
        *,
        closed: bool = False,
    ) -> None:
        self.net = net
        self.draw = net.draw
        self.closed = closed
        self.steps: list[Step] = []
        self.outer = list(outer)
        self.values: list[Value] = []
        self.weights = list(weights)

    def visible(self) -> list[Value]:
        """Everything that a step here can read, the oldest first."""
        return [*self.outer, *self.values]

    def newest(self) -> Value:
        """The last value of floats."""
        return next(value for value in reversed(self.visible()) if value.is_float)

    def mark(self) -> tuple[int, int, int]:
        """Where the scope stands, to come back to."""
        return len(self.steps), len(self.values), len(self.weights)

    def back(self, mark: tuple[int, int, int]) -> None:
        """Undoes what came after a mark."""
        del self.steps[mark[0] :], self.values[mark[1] :], self.weights[mark[2] :]

    def add(self, step: Step, *sources: Value, first: Type | None = None) -> Value | None:
        """Adds a step that reads some values where the checker takes it; gives its value.

        With `first` it reads the scope's own first input, which has that type and no name.
        """
        known = {} if self.closed else dict(self.net.inputs)
        known |= {value.path: value.type for value in self.visible()}
        read = {path: known[path] for path in paths_in(step) if path in known}
        read |= {value.path: value.type for value in sources}
        trial = step if first is None else {**step, "from": "first"}
        read |= {"first": first} if first else {}
        found = answer(trial, read, FACTS, self.net.blocks, self.net.params)
        if not found or not found.types:
            return None
        name = step.get("name") or self.net.name()
        self.steps.append({**step, **self.modifiers(step, found.weights), "name": name})
        if not any(block.startswith(MODEL) for block in called(step, self.net.blocks)):
            self.weights += [(f"{name}.{path}", shape) for path, shape in found.weights.items()]
        made = [Value(f"{name}.{slot}".rstrip("."), type) for slot, type in found.types.items()]
        self.net.types |= {value.path: value.type.text for value in made}
        self.values += sorted(made, key=lambda value: value.path != name)[::-1]
        return self.values[-1]

    def modifiers(self, step: Step, weights: dict[str, tuple[Any, ...]]) -> Step:
        """What a step may say of its weights: whose they are too, whether they learn, how they begin."""
        is_op = find(next(iter(step))) is not None and "repeat" not in step
        if not weights or step.keys() & {"freeze", "reuse"} or self.draw(st.booleans()):
            return {}
        shapes = [shape for _, shape in self.weights]
        known = sorted(own for own, shape in weights.items() if shape in shapes)
        if is_op and known and self.draw(st.integers(0, 3)):
            own = self.draw(st.sampled_from(known))
            like = [path for path, shape in self.weights if shape == weights[own]]
            return {"tie": {own: self.draw(st.sampled_from(like[::-1]))}}
        own = self.draw(st.sampled_from(sorted(weights)))
        if is_op and self.draw(st.booleans()):
            return {"init": {own: {"normal": 0.3}}}
        is_model = next(iter(step)).startswith(MODEL)
        return {} if is_model or "when" in step else {"freeze": True}

    def begin(self, type: Type) -> Value | None:
        """The first step of a region: a mild one, so that the region's input has a name."""
        found = self.add({self.draw(st.sampled_from(MILD)): None}, first=type)
        return found if found and found.type == type else None

    def source(self, type: Type, *, fresh: bool = False) -> Value | None:
        """A value of exactly a type: one that is there, one made from one, or an input."""
        same = [value for value in self.visible() if value.type == type]
        if same and not fresh and self.draw(st.integers(0, 3)):
            return self.draw(st.sampled_from(same[::-1]))
        if dtype_kind(type) != "float":
            return None if self.closed else self.net.input(type)
        return self.made_from(self.newest(), type)

    def made_from(self, value: Value, type: Type) -> Value | None:
        """A value of a type that depends on another value."""
        if value.type == type:
            return value
        there, wanted = value.type.dims, type.dims
        apart = [k for k, (a, b) in enumerate(zip(there, wanted, strict=False)) if a != b]
        if len(there) == len(wanted) and len(apart) == 1:
            axis = apart[0]
            known = value.type.fixed(axis) and type.fixed(axis)
            if known and axis == type.rank - 1:
                return self.add({"linear": type.fixed(axis), "from": value.path}, value)
            if known and axis == 1 and 3 <= type.rank <= MOST_AXES:
                conv = {"out": type.fixed(1), "kernel": 1}
                return self.add({f"conv{type.rank - 2}d": conv, "from": value.path}, value)
        return self.gated(self.base(type), value)

    def base(self, type: Type) -> Value | None:
        """A value of a type that depends on no other."""
        if not self.closed:
            return self.net.input(type)
        sizes = [type.fixed(axis) for axis in range(type.rank)]
        return self.add({"parameter": sizes}) if all(sizes) and sizes else None

    def gated(self, base: Value | None, value: Value) -> Value | None:
        """A value of the base's type that depends on another one through its mean."""
        if base is None:
            return None
        rows = value.type.rank > 1 and value.type.dims[0] == base.type.dims[:1][0:1]
        axes = list(range(1, value.type.rank)) if rows else None
        mean = self.add({"reduce_mean": axes, "from": value.path}, value)
        if mean is None:
            return None
        read = {"a": base.path, "b": mean.path}
        return self.add({"expr": "a * (1.5 + tanh(b))", "from": read}, base, mean)

    def use(self, use: Use, attributes: dict[str, Any], *, exact: bool) -> Value | None:
        """Adds an op; with `exact` on the types of its case, else on what is at hand."""
        mark = self.mark()
        sources = self.sources(use, exact=exact)
        if sources is not None:
            step: Step = {use.name: use.plain(attributes), **use.step}
            paths = [value.path for value in sources]
            if use.slots is not None:
                step["from"] = dict(zip(use.slots, paths, strict=True))
            elif paths:
                step["from"] = paths
            found = self.add(step, *sources)
            if found is not None:
                return found
        self.back(mark)
        return None

    def sources(self, use: Use, *, exact: bool) -> list[Value] | None:
        """What an op reads, each through what its case puts before it."""
        found: list[Value] = []
        read: list[Value] = []
        sizes: dict[str, str] = {}
        for number, wanted in enumerate(use.inputs):
            assert wanted is not None
            type = resized(wanted, sizes)
            value = None if exact or use.is_bounded(wanted) else self.loose(type, number)
            value = value or self.source(type, fresh=use.is_bounded(wanted))
            if use.after and value in read:  # two boxes that are one, a likelihood and itself
                value = self.source(type, fresh=True)
            if value is None:
                return None
            read.append(value)
            sizes |= dict(zip(wanted.dims, value.type.dims, strict=True))
            for op in use.after if value.is_float else ():
                value = self.add({op: None, "from": value.path}, value)
                if value is None:
                    return None
            found.append(value)
        return found

    def loose(self, type: Type, number: int) -> Value | None:
        """A value of the same dtype and as many axes, for the first input the newest, if drawn so."""
        alike = [
            v for v in self.visible() if v.type.dtype == type.dtype and v.type.rank == type.rank
        ]
        if not alike or not self.draw(st.integers(0, 3)):
            return None
        return alike[-1] if number == 0 else self.draw(st.sampled_from(alike[::-1]))

    def some_op(self) -> Value | None:
        """Adds an op drawn from all of them; None where nothing came of it."""
        ops = menu()
        if self.draw(st.integers(0, 2)):
            rank = self.newest().type.rank
            fitting = {name: [u for u in ops[name] if u.starts_with(rank)] for name in ops}
            ops = {name: uses for name, uses in fitting.items() if uses} or ops
        use = self.draw(st.sampled_from(ops[self.draw(st.sampled_from(list(ops)))]))
        if self.closed and not use.is_local:
            return None
        attributes = self.draw(use.other_attributes())
        found = self.use(use, attributes, exact=False)
        return found or self.use(use, use.attributes, exact=True)


def resized(type: Type, sizes: dict[str, str]) -> Type:
    """A type whose sizes are those that stand for them."""
    dims = ", ".join(sizes.get(dim, dim) for dim in type.dims)
    return normal(f"{type.dtype}[{dims}]", FACTS) or type


def paths_in(part: Any) -> set[str]:
    """Every reference in a step and in what is inside it."""
    if isinstance(part, list):
        return set().union(*map(paths_in, part)) if part else set()
    if not isinstance(part, dict):
        return set()
    found: set[str] = set()
    for key, value in part.items():
        found |= texts_in(value) if key in ("from", "over", "carry") else paths_in(value)
    return found


def ties_in(part: Any) -> set[str]:
    """Every weight that a step or what is inside it has of another."""
    if isinstance(part, list):
        return set().union(*map(ties_in, part)) if part else set()
    if not isinstance(part, dict):
        return set()
    found = set(part["tie"].values()) if isinstance(part.get("tie"), dict) else set[str]()
    return found.union(*map(ties_in, part.values()))


def texts_in(source: Any) -> set[str]:
    """The references of one `from`."""
    if isinstance(source, str):
        return {source}
    items = source.values() if isinstance(source, dict) else source
    return {text for text in items if isinstance(text, str)} if items else set()


__all__ = ["SYMBOLS", "Network", "Scope", "Value", "paths_in", "texts_in", "ties_in"]
