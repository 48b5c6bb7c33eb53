"""What a `train` section chooses among: one class for each optimiser and schedule.

A choice declares its settings with the descriptors that ops use, and declaring it registers it with
its kind. From the class come the checks, the messages and the page of the reference.
"""

from __future__ import annotations

from dslc.ops.attributes import Attribute
from dslc.ops.base import snake_case
from dslc.typed import TYPE_CHECKING
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar


class Choice:
    """The base of the kinds of choices; a kind declares `kind`, a choice its settings.

    Class attributes:
        kind: What messages call it: "optimiser", "schedule".
        name: The word in a spec; the class's name in snake_case.
        primary: The setting that a bare value sets.
        attributes: The settings by name.
        choices: Every choice of the kind by name.
    """

    kind: ClassVar[str] = ""
    name: ClassVar[str] = ""
    primary: ClassVar[str | None] = None
    attributes: ClassVar[Mapping[str, Attribute]] = {}
    choices: ClassVar[dict[str, type[Choice]]] = {}

    def __init_subclass__(cls) -> None:
        own = {item.name: item for item in vars(cls).values() if isinstance(item, Attribute)}
        cls.attributes = {**cls.attributes, **own}
        if "kind" in vars(cls):
            cls.choices = {}
            return
        cls.name = snake_case(cls.__name__)
        if cls.choices.setdefault(cls.name, cls) is not cls:
            raise TypeError(f"two {cls.kind}s are called {cls.name!r}")

    def __init__(self, values: Mapping[str, object]) -> None:
        """Takes evaluated settings; raises `InvalidAttribute` where one is wrong."""
        self.values: dict[str, Any] = {
            name: attribute.check(values.get(name, attribute.default))
            for name, attribute in self.attributes.items()
        }
        self.check()

    def check(self) -> None:
        """Raises `InvalidAttribute` where settings contradict each other."""


class Shares(Attribute):
    """A list of `count` numbers of at least 0 and below 1."""

    kind = "numbers"

    def __init__(self, count: int, default: tuple[float, ...], *, doc: str) -> None:
        super().__init__(default, doc=doc, minimum=0, below=1)
        self.count = count

    def noun(self) -> str:
        return f"a list of {self.count} numbers"

    def bounds(self) -> str:
        return ", each" + super().bounds()

    def check(self, value: object) -> object:
        if not is_list(value) or len(value) != self.count:
            raise self.refuse(value)
        shares = [
            float(item) for item in value if isinstance(item, int | float) and item is not True
        ]
        if len(shares) < self.count or not all(map(self.within, shares)):
            raise self.refuse(value)
        return tuple(shares)


class Text(Attribute):
    """A text, as it stands."""

    kind = "text"
    reads = "word"

    def noun(self) -> str:
        return "a text"

    def check(self, value: object) -> object:
        if not isinstance(value, str) or not value:
            raise self.refuse(value)
        return value


class Globs(Attribute):
    """Globs of weight paths: `*` within one part, `**` for any number of parts."""

    kind = "globs"
    reads = "texts"

    def __init__(self, default: object = (), *, doc: str) -> None:
        super().__init__(default, doc=doc)

    def noun(self) -> str:
        return 'a list of globs, such as `["**.bias"]`'

    def check(self, value: object) -> object:
        if not is_list(value) or not all(isinstance(item, str) and item for item in value):
            raise self.refuse(value)
        return value


class Parts(Attribute):
    """A list of mappings, each with the settings of a choice."""

    kind = "parts"
    reads = "parts"

    def __init__(self, choice: type[Choice], *, doc: str) -> None:
        super().__init__((), doc=doc)
        self.choice = choice

    def noun(self) -> str:
        return f"a list of mappings of {', '.join(f'`{name}`' for name in self.choice.attributes)}"
