"""The stream of values while a function's body is written.

A value that is read once stays an expression and is nested into its reader; one that is read more
often, or that would make a line hold two heavy layers, gets a variable. Variables are reused as a
person would: `x` for the stream, `y` for a second path while `x` is still needed, a step's name for
a value that the spec refers to by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.python import Line
from dslc.ir.arithmetic import Arithmetic
from dslc.ir.graph import EVERY
from dslc.syntax.formulas import operand_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from dslc.emit.formal import FormalStep
    from dslc.emit.python import Statement
    from dslc.ir.graph import Body, Ref
    from dslc.ir.types import TensorType

STREAM = ("x", "y", "z", "u", "v", "w", "p", "q", "r", "s")
LONGEST = 78
"""The length from which an expression gets a variable of its own."""
LONGEST_RETURNED = 85
"""The length of an expression that fits behind `return`."""

Key = tuple[int, str]
NOTHING: Key = (-1, "")
"""The key of no value."""


@final
class Value:
    """What a reference stands for: an expression, the variables in it, its type and layout.

    `heavy` counts the layers in the expression that do the work; `layout` is "spec", or "last"
    where the channels are the last axis.
    """

    __slots__ = ("heavy", "layout", "text", "type", "variables")

    def __init__(
        self,
        text: str,
        variables: frozenset[str],
        type: TensorType,
        *,
        heavy: int = 0,
        layout: str = "spec",
    ) -> None:
        self.text = text
        self.variables = variables
        self.type = type
        self.heavy = heavy
        self.layout = layout

    @property
    def is_variable(self) -> bool:
        """Whether the expression is one variable."""
        return self.text in self.variables

    def renamed(self, variable: str) -> Value:
        """The same value in a variable."""
        return Value(variable, frozenset((variable,)), self.type, layout=self.layout)

    @property
    def operand(self) -> str:
        """The expression as an operand of any operator."""
        plain = self.text.isidentifier() or self.is_spread
        return self.text if plain else f"({self.text})"

    @property
    def is_spread(self) -> bool:
        """Whether it stands for every value of a list."""
        return self.text.startswith("*")


class Flow:
    """Values by reference, statements so far, and which variables are still needed."""

    def __init__(self, comment: Callable[[Value], str | None]) -> None:
        self.lines: list[Statement] = []
        self.values: dict[Key, Value] = {}
        self.remaining: dict[Key, int] = {}
        self.names: dict[Key, str] = {}
        self.taken: set[str] = set()
        self.layers: set[str] = set()  # variables that hold layers to the end
        self.returned: set[Key] = set()
        self.comment = comment
        self.index_text: Callable[[Any], str] = str

    def count(self, steps: list[FormalStep], results: Iterable[Ref]) -> None:
        """Counts how often every value is read."""
        for step in steps:
            for ref in written_inputs(step):
                key = ref.key
                self.remaining[key] = self.remaining.get(key, 0) + 1
        for ref in results:
            key = ref.key
            self.remaining[key] = self.remaining.get(key, 0) + 1

    def count_body(self, body: Body, steps: list[FormalStep]) -> None:
        """Counts the reads inside a region, its result among them."""
        self.count(steps, [body.result])

    def read(self, ref: Ref) -> Value:
        """The value of a reference."""
        value = self.values[ref.key]
        if ref.index is None:
            return value
        text = f"{value.text}[{self.index_text(ref.index)}]" if ref.index != EVERY else None
        return Value(text or f"*{value.text}", value.variables, value.type, layout=value.layout)

    def read_key(self, key: Key) -> Value:
        """The value of a key."""
        return self.values[key]

    def done(self, ref: Ref) -> None:
        """Marks one read of a reference as written."""
        self.remaining[ref.key] -= 1

    def bind(self, key: Key, value: Value) -> None:
        """Gives a key its value, in a variable at once where it is read more than once."""
        self.values[key] = value
        reads = self.remaining.get(key, 0)
        is_long = not self.fits(key, value.text) and key not in self.returned
        if reads > 1 or (reads == 1 and is_long):
            self.store(key)

    def bind_outputs(self, owner: int, values: dict[str, Value]) -> None:
        """Gives a step's outputs their values; those that are one expression share a variable."""
        self.values |= {(owner, slot): value for slot, value in values.items()}
        for slot, value in values.items():
            key = (owner, slot)
            same = [(owner, s) for s, other in values.items() if other.text == value.text]
            if value.is_variable or len(same) == 1:
                self.bind(key, value)
            elif key == same[0]:
                reads = self.remaining.get(key, 0)
                self.remaining[key] = sum(self.remaining.get(twin, 0) for twin in same)
                self.bind(key, value)
                self.remaining[key] = reads
            else:
                self.values[key] = self.values[same[0]]

    def store_ref(self, ref: Ref) -> Value:
        """Puts a reference's value into a variable; what a list holds stays there."""
        return self.store(ref.key) if ref.index is None else self.read(ref)

    def fits(self, key: Key, text: str) -> bool:
        """Whether a value's expression fits on one line."""
        return len(text) <= (LONGEST_RETURNED if key in self.returned else LONGEST)

    def store(self, key: Key) -> Value:
        """Puts a value into a variable, if it is not in one."""
        value = self.values[key]
        if value.is_variable:
            return value
        variable = self.variable(key)
        self.assign(variable, value.text, value)
        stored = Value(variable, frozenset((variable,)), value.type, layout=value.layout)
        self.values[key] = stored
        return stored

    def assign(self, variable: str, text: str, value: Value) -> None:
        """Writes an assignment with a comment where the shape is worth one."""
        self.lines.append(Line(f"{variable} = {text}", self.comment(value)))

    def variable(self, key: Key, busy: frozenset[str] = frozenset()) -> str:
        """A variable for a value: its step's name if it is read later on, else the stream's.

        `busy` are variables that must keep what they hold for other reasons.
        """
        name = self.names.get(key)
        free = name is not None and name not in busy and self.is_free(name, key)
        if name is not None and free and self.remaining.get(key, 0) > 1:
            return name
        for candidate in (*STREAM, *(f"x{number}" for number in range(2, 1000))):
            if candidate not in self.taken | busy and self.is_free(candidate, key):
                return candidate
        raise ValueError("a method needs more than a thousand variables")

    def busy(self) -> frozenset[str]:
        """The variables of all values that something still reads."""
        held = (
            self.values[key]
            for key, reads in self.remaining.items()
            if reads > 0 and key in self.values
        )
        return frozenset[str]().union(*(value.variables for value in held))

    def is_free(self, variable: str, key: Key = NOTHING) -> bool:
        """Whether nothing but the value itself still needs a variable."""
        return variable not in self.layers and not any(
            variable in value.variables
            for other, value in self.values.items()
            if other != key and self.remaining.get(other, 0) > 0
        )


def listed(texts: Sequence[str]) -> str:
    """The list of some values; one that is there already as it is."""
    only = texts[0] if len(texts) == 1 else ""
    if only.startswith("*") and only[1:].isidentifier():
        return only[1:]
    if only.startswith("*(") and " for " in only:
        return f"[{only[2:-1]}]"
    return f"[{', '.join(texts)}]"


def written_inputs(found: FormalStep) -> list[Ref]:
    """The inputs that a step's code names, each as often as it does.

    Those that stand in for another one by default are not named.
    """
    refs = found.step.inputs
    if isinstance(found.op, Arithmetic):
        counts = operand_counts(found.op.values["formula"].formula)
        return [ref for k, ref in enumerate(refs) if ref for _ in range(counts.get(k, 0))]
    if found.op is None or any(item.variadic for item in found.op.inputs):
        return [ref for ref in refs if ref is not None]
    by_name = dict(zip((item.name for item in found.op.inputs), refs, strict=True))
    return [
        ref
        for item, ref in zip(found.op.inputs, refs, strict=True)
        if ref is not None and (item.default in (None, "none") or by_name[item.default] != ref)
    ]
