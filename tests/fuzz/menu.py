"""What a random network can be made of: every op, used as its numeric cases use it.

An op's cases say which inputs it takes, and its record which other attributes it can have. Nothing
here knows an op by name, so a new op with its cases is in random networks at once.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import strategies as st

from dslc.ir.facts import Facts
from dslc.ir.types import INTEGERS
from dslc.ops import find
from dslc.ops.attributes import (
    Attribute,
    Axis,
    Boolean,
    Fields,
    Integer,
    Maybe,
    Number,
    Padding,
    Size,
    Sizes,
    Which,
    Word,
)
from dslc.ops.base import Op
from tests.fuzz.typing import SYMBOLS, Type, normal
from tests.numeric.table import RIGHT, Case, check


def needed_facts() -> tuple[str, ...]:
    """What the cases suppose of sizes, without what follows from the rest."""
    stated = tuple(dict.fromkeys(fact for case in RIGHT for fact in case.where))
    spec = {"dslc": 1, "name": "Facts", "inputs": {"x": f"f32[{', '.join(SYMBOLS)}]"}}
    kept = list(check(json.dumps({**spec, "where": stated, "steps": ["relu"]})).facts.constraints)
    texts = dict(zip(kept, stated, strict=True))
    for claim in texts:
        others = [other for other in kept if other is not claim]
        if Facts(others).proves(claim.op, claim.left, claim.right):
            kept = others
    return tuple(texts[claim] for claim in kept)


FACTS = needed_facts()
"""What a random network supposes of its sizes."""


BOUNDED = {"ctc": ("softsign",)}
"""What inputs go through as a number would be lost: TensorFlow's CTC has none below e ** -707."""


class Use:
    """One way to use an op: attributes, the types of its inputs, what its inputs go through first."""

    def __init__(self, case: Case) -> None:
        op = find(case.op)
        assert op is not None
        self.op = op
        self.name = case.op
        self.after = tuple(case.after) or BOUNDED.get(case.op, ())
        self.attributes = named_attributes(op, case.attributes)
        self.step = case.step
        inputs = case.inputs if isinstance(case.inputs, dict) else dict(enumerate(case.inputs))
        self.slots = list(inputs) if isinstance(case.inputs, dict) else None
        self.inputs = [normal(type, FACTS) for type in inputs.values()]
        self.is_local = not mentions(self.attributes)

    def is_bounded(self, type: Type) -> bool:
        """Whether the integers of an input may have to lie below something."""
        return type.dtype in INTEGERS and self.op.ceilings is not Op.ceilings

    def starts_with(self, rank: int) -> bool:
        """Whether the first input is of floats on so many axes."""
        first = self.inputs[0] if self.inputs else None
        return first is not None and first.dtype == "f32" and first.rank == rank

    def plain(self, attributes: dict[str, Any]) -> Any:
        """The attributes as a person writes them: one that is the primary stands alone."""
        if not attributes:
            return None
        value = attributes.get(self.op.primary) if self.op.primary else None
        alone = len(attributes) == 1 and value is not None and not isinstance(value, dict)
        return value if alone else attributes

    def other_attributes(self) -> st.SearchStrategy[dict[str, Any]]:
        """Its attributes, often with other values of some."""
        return attributes(self)


def named_attributes(op: Any, given: Any) -> dict[str, Any]:
    """A case's attributes by name."""
    if given is None:
        return {}
    return dict(given) if isinstance(given, dict) else {op.primary: given}


def mentions(part: Any) -> set[str]:
    """The symbols that attributes speak of."""
    if isinstance(part, dict):
        return set().union(*map(mentions, part.values())) if part else set()
    if isinstance(part, list):
        return set().union(*map(mentions, part)) if part else set()
    return set(re.findall(r"\b[A-Z]\w*", part)) & set(SYMBOLS) if isinstance(part, str) else set()


@cache
def menu() -> dict[str, list[Use]]:
    """Every use of every op."""
    found: dict[str, list[Use]] = {}
    for case in RIGHT:
        use = Use(case)
        if all(use.inputs):
            found.setdefault(case.op, []).append(use)
    return found


MILD = ["tanh", "softsign", "sigmoid", "sin", "identity"]
"""What a region may begin with: its result has the type of its input and is no larger."""
SMALL = st.integers(1, 4)
RATES = st.sampled_from([0.5, 0.1, 0.25, 1.0, 2.0, -1.0, 0.0, 0.05])


def few(item: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[Any]:
    """One item, or a list of as many."""
    return st.one_of(item, st.lists(item, min_size=count, max_size=count))


NARROW = ("u8", "i8", "i16")
"""Dtypes that cannot hold what floats in a network may be: frameworks differ in what becomes of it."""
DRAWN: dict[type[Attribute], Callable[[Any], st.SearchStrategy[Any]]] = {
    Integer: lambda a: SMALL,
    Size: lambda a: SMALL,
    Sizes: lambda a: few(SMALL, a.count),
    Padding: lambda a: st.one_of(st.sampled_from(a.words), few(st.integers(0, 2), a.count)),
    Number: lambda a: RATES.filter(a.within),
    Boolean: lambda a: st.booleans(),
    Word: lambda a: st.sampled_from([word for word in a.words if word not in NARROW]),
    Axis: lambda a: st.integers(-3, 3),
    Which: lambda a: st.one_of(st.booleans(), st.lists(st.sampled_from(a.words), unique=True)),
    Maybe: lambda a: other_value(a.inner),
}
"""How another value of an attribute is drawn, by its kind; those of kinds not here stay."""


def other_value(attribute: Attribute) -> st.SearchStrategy[Any]:
    """Other values of one attribute, most of which its op takes."""
    make = DRAWN.get(type(attribute))
    return st.nothing() if make is None else make(attribute)


def changeable(use: Use) -> list[str]:
    """The attributes of which another value can be drawn."""
    items = use.op.attributes.items()
    return sorted(name for name, a in items if "." not in name and is_drawn(a))


def is_drawn(attribute: Attribute) -> bool:
    inner = attribute.inner if isinstance(attribute, Maybe) else attribute
    return type(inner) in DRAWN and not isinstance(inner, Fields)


@st.composite
def attributes(draw: st.DrawFn, use: Use) -> dict[str, Any]:
    """A use's attributes, often with other values of some."""
    found = dict(use.attributes)
    names = changeable(use)
    for _ in range(draw(st.sampled_from([0, 0, 1, 2])) if names else 0):
        name = draw(st.sampled_from(names))
        found[name] = draw(other_value(use.op.attributes[name]))
    return found


def dtype_kind(type: Type) -> str:
    """Whether a type holds floats, integers or truth values."""
    return "float" if type.dtype.startswith(("f", "bf")) else type.dtype
