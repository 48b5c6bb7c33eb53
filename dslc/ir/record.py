"""Frozen records: what `dataclass(frozen=True)` gives, without the 15 ms that a dozen of them cost.

A subclass declares its fields by annotations alone; a value beside one is its default. Records are
compared by value, but for the fields that the class names in `unlike`.
"""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING, dataclass_transform

if TYPE_CHECKING:
    from typing import ClassVar, Self


@dataclass_transform(frozen_default=True)
class Record:
    """The base of all records.

    Class attributes:
        fields: The names of the fields, in order.
        unlike: Fields that do not count when two records are compared, such as spans.
    """

    fields: ClassVar[tuple[str, ...]] = ()
    unlike: ClassVar[tuple[str, ...]] = ()
    known: ClassVar[frozenset[str]] = frozenset()
    fallbacks: ClassVar[dict[str, object]] = {}

    def __init_subclass__(cls) -> None:
        own = [name for name in cls.__annotations__ if name not in ("fields", "unlike")]
        cls.fields = (*cls.fields, *own)
        cls.known = frozenset(cls.fields)
        cls.fallbacks = {name: getattr(cls, name) for name in cls.fields if hasattr(cls, name)}

    def __init__(self, *values: object, **named: object) -> None:
        state = self.__dict__
        if len(values) > len(self.fields):
            raise TypeError(f"{type(self).__name__} has no place for {len(values)} values")
        state.update(self.fallbacks)
        state.update(zip(self.fields, values, strict=False))
        state.update(named)
        if state.keys() != self.known:
            self._refuse(named)

    def _refuse(self, named: dict[str, object]) -> None:
        """Raises where a field is not given, or something that is no field."""
        extra = [name for name in named if name not in self.known]
        if extra:
            raise TypeError(f"{type(self).__name__} has no place for {extra}")
        missing = self.known.difference(self.__dict__)
        raise TypeError(f"{type(self).__name__} lacks {', '.join(sorted(missing))}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def _key(self) -> tuple[object, ...]:
        return tuple(self.__dict__[name] for name in self.fields if name not in self.unlike)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.fields)
        return f"{type(self).__name__}({shown})"

    def replace(self, **changes: object) -> Self:
        """A copy in which some fields have other values."""
        kind = type(self)
        return kind(**{**self.__dict__, **changes})
