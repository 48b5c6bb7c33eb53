"""Attribute descriptors: what an op may be told, with types, defaults and bounds.

A descriptor is declared in the class body of an op, or of another thing with settings such as an
optimiser. It says how the slot reads text (`word` slots take text as it is, all others take
expressions), checks an evaluated value, and documents itself. While code is generated, values of the
size kinds may be symbolic (`Dim`), so a check passes what it cannot decide; `claims` says what has to
hold of them, which is asked while an instance is typed.
"""

from __future__ import annotations

from dslc.ir.dims import Dim
from dslc.typed import TYPE_CHECKING
from dslc.values import is_integer, is_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from dslc.ir.facts import Op as Comparison

REQUIRED = object()
"""The default of an attribute that has none."""


class InvalidAttribute(Exception):
    """A value that an attribute does not take: `message` says what it takes."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.message = message
        self.name = name


class Attribute:
    """One attribute; subclasses say which values it takes.

    `reads` tells the reader what a scalar in this slot is: "expression", or "word" where text
    stands for itself and `$name` for a param, or "either" where the listed `words` are words.
    """

    reads = "expression"
    kind = "value"
    symbolic = False

    def __init__(
        self,
        default: object = REQUIRED,
        *,
        doc: str = "",
        minimum: float | None = None,
        maximum: float | None = None,
        below: float | None = None,
        above: float | None = None,
        words: Sequence[str] = (),
    ) -> None:
        self.name = ""
        self.default = default
        self.doc = doc
        self.minimum = minimum
        self.maximum = maximum
        self.below = below
        self.above = above
        self.words = tuple(words)

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name.rstrip("_")

    def __get__(self, op: Any, owner: type[Any]) -> Any:
        return self if op is None else op.values[self.name]

    @property
    def required(self) -> bool:
        """Whether the spec must give it."""
        return self.default is REQUIRED

    def check(self, value: object) -> object:
        """The value in the op's own form; raises `InvalidAttribute` where it is none."""
        return value

    def claims(self, value: object) -> Iterator[tuple[Comparison, Dim, float]]:
        """What has to hold of the symbolic sizes in a value for it to be within the bounds."""
        for item in value if is_list(value) else (value,):
            if not isinstance(item, Dim):
                continue
            if self.minimum is not None:
                yield ">=", item, self.minimum
            if self.maximum is not None:
                yield "<=", item, self.maximum
            if self.below is not None:
                yield "<", item, self.below
            if self.above is not None:
                yield ">", item, self.above

    def decisive(self, value: Any) -> str:
        """What generated code may depend on beyond the attribute's expression, as a text."""
        return value if isinstance(value, str) else repr(value)

    def describe(self) -> str:
        """What the slot takes, for messages and pages: "an integer of at least 1"."""
        return f"{self.noun()}{self.bounds()}"

    def noun(self) -> str:
        """The kind of value in words."""
        return "a value"

    def bounds(self) -> str:
        """The bounds in words, with a leading space, or nothing."""
        if self.minimum is not None and self.maximum is not None:
            return f" from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None and self.below is not None:
            return f" of at least {self.minimum:g} and below {self.below:g}"
        if self.above is not None:
            return f" above {self.above:g}"
        if self.minimum is not None:
            return f" of at least {self.minimum:g}"
        return f" of at most {self.maximum:g}" if self.maximum is not None else ""

    def refuse(self, value: object) -> InvalidAttribute:
        """The error for a value that does not fit."""
        message = f"`{self.name}` takes {self.describe()}, not `{show(value)}`"
        return InvalidAttribute(message, self.name)

    def within(self, number: float) -> bool:
        """Whether a number is inside the bounds."""
        return not (
            (self.minimum is not None and number < self.minimum)
            or (self.maximum is not None and number > self.maximum)
            or (self.below is not None and number >= self.below)
            or (self.above is not None and number <= self.above)
        )


def show(value: object) -> str:
    """A value as a spec would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if is_list(value):
        return "[" + ", ".join(show(item) for item in value) + "]"
    return str(value)


class Integer(Attribute):
    """An integer known when the spec is compiled."""

    kind = "integer"

    def noun(self) -> str:
        return "an integer"

    def check(self, value: object) -> object:
        if not is_integer(value) or not self.within(value):
            raise self.refuse(value)
        return value


class Size(Attribute):
    """A positive size; may be an expression over params and dims."""

    kind = "size"
    symbolic = True

    def noun(self) -> str:
        return "an integer"

    def check(self, value: object) -> object:
        if isinstance(value, Dim):
            return value
        if not is_integer(value) or not self.within(value):
            raise self.refuse(value)
        return value


class Sizes(Size):
    """A size for each of `count` spatial axes; one number serves all."""

    kind = "sizes"

    def __init__(self, count: int, default: object = REQUIRED, **options: object) -> None:
        super().__init__(default, **options)  # pyright: ignore[reportArgumentType]
        self.count = count

    def noun(self) -> str:
        return "an integer" if self.count == 1 else f"an integer or a list of {self.count}"

    def check(self, value: object) -> object:
        items = value if is_list(value) else (value,) * self.count
        if len(items) != self.count:
            raise self.refuse(value)
        return tuple(super(Sizes, self).check(item) for item in items)


class Padding(Sizes):
    """`same`, `valid`, a size for both sides of every axis, or one for each axis."""

    kind = "padding"
    reads = "either"

    def __init__(self, count: int, default: object = 0, **options: object) -> None:
        super().__init__(count, default, minimum=0, words=("same", "valid"), **options)

    def noun(self) -> str:
        return "`same`, `valid`, " + super().noun()

    def check(self, value: object) -> object:
        if value == "valid":
            return (0,) * self.count
        return value if value == "same" else super().check(value)


class Number(Attribute):
    """A real number."""

    kind = "number"

    def noun(self) -> str:
        return "a number"

    def check(self, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.within(value):
            raise self.refuse(value)
        return float(value)


class Numbers(Number):
    """A list of real numbers."""

    kind = "numbers"

    def noun(self) -> str:
        return "a list of numbers"

    def check(self, value: object) -> object:
        if not is_list(value) or not value:
            raise self.refuse(value)
        return tuple(super(Numbers, self).check(item) for item in value)


class Boolean(Attribute):
    """`true` or `false`."""

    kind = "boolean"

    def noun(self) -> str:
        return "true or false"

    def check(self, value: object) -> object:
        if not isinstance(value, bool):
            raise self.refuse(value)
        return value


class Word(Attribute):
    """One of a few words."""

    kind = "word"
    reads = "word"

    def noun(self) -> str:
        return " or ".join(f"`{word}`" for word in self.words)

    def check(self, value: object) -> object:
        if value not in self.words:
            raise self.refuse(value)
        return value


class Text(Attribute):
    """A text that stands for itself."""

    kind = "text"
    reads = "word"

    def noun(self) -> str:
        return "a text"

    def check(self, value: object) -> object:
        if not isinstance(value, str):
            raise self.refuse(value)
        return value


class Axis(Attribute):
    """An axis, counted from 0 or, negative, from the last; `resolve` gives it for a rank."""

    kind = "axis"

    def noun(self) -> str:
        return "an axis"

    def check(self, value: object) -> object:
        if not is_integer(value):
            raise self.refuse(value)
        return value


class Axes(Axis):
    """A list of axes, or one."""

    kind = "axes"

    def noun(self) -> str:
        return "an axis or a list of axes"

    def check(self, value: object) -> object:
        items = value if is_list(value) else (value,)
        return tuple(super(Axes, self).check(item) for item in items)


class Shape(Attribute):
    """A list of sizes; `minimum=-1` lets one be found from the rest."""

    kind = "shape"
    symbolic = True

    def claims(self, value: object) -> Iterator[tuple[Comparison, Dim, float]]:
        for op, item, bound in super().claims(value):
            yield op, item, max(bound, 0)  # only the number -1 stands for what is left

    def noun(self) -> str:
        return "a list of sizes"

    def check(self, value: object) -> object:
        if not is_list(value):
            raise self.refuse(value)
        for item in value:
            if not isinstance(item, Dim) and (not is_integer(item) or not self.within(item)):
                raise self.refuse(value)
        return value


class Maybe(Attribute):
    """Another attribute that may also be `null`, its default."""

    def __init__(self, inner: Attribute) -> None:
        super().__init__(None, doc=inner.doc, words=inner.words)
        self.inner = inner
        self.kind = inner.kind
        self.reads = inner.reads
        self.symbolic = inner.symbolic

    def __set_name__(self, owner: type[Any], name: str) -> None:
        super().__set_name__(owner, name)
        self.inner.name = self.name

    def describe(self) -> str:
        return self.inner.describe()

    def check(self, value: object) -> object:
        return None if value is None else self.inner.check(value)

    def claims(self, value: object) -> Iterator[tuple[Comparison, Dim, float]]:
        return self.inner.claims(value)


class Which(Attribute):
    """`true` for all of some words, `false` for none, or a list of those that are meant."""

    kind = "which"
    reads = "words"

    def noun(self) -> str:
        return f"true, false or a list of {', '.join(f'`{word}`' for word in self.words)}"

    def check(self, value: object) -> object:
        if isinstance(value, bool):
            return self.words if value else ()
        if not is_list(value) or any(item not in self.words for item in value):
            raise self.refuse(value)
        return tuple(word for word in self.words if word in value)


class Fields(Boolean):
    """A feature with attributes of its own: `false`, `true` for their defaults, or a mapping of them.

    An op has each of them as an attribute too, called `feature.name`.
    """

    kind = "fields"
    reads = "fields"

    def __init__(self, *, doc: str, **fields: Attribute) -> None:
        super().__init__(False, doc=doc)
        self.fields = fields

    def __set_name__(self, owner: type[Any], name: str) -> None:
        super().__set_name__(owner, name)
        for own, field in self.fields.items():
            field.__set_name__(owner, f"{name}.{own}")

    def noun(self) -> str:
        return f"true, false or a mapping of {', '.join(f'`{name}`' for name in self.fields)}"
