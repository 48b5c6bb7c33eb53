"""Names while a spec is read: which values, labels and compile-time names a step can see."""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.ir.graph import Ref
    from dslc.source import Span


@final
class Scope:
    """One scope: a module's body, or a named or repeated structure in it.

    An unnamed structure has no scope of its own: its names belong to the scope around it. The inside
    of a scan has values of its own (`within`), and the paths of the scope around it.
    """

    __slots__ = ("entries", "given", "labels", "names", "parent", "spans", "values")

    def __init__(self, parent: Scope | None = None, names: Iterable[str] = ()) -> None:
        self.parent = parent
        self.values: dict[str, Ref] = {}
        self.spans: dict[str, Span] = {}
        self.labels: dict[str, int] = {}
        self.given: dict[str, Span] = {}
        self.names: set[str] = set(names)
        self.entries: set[str] = set()

    @classmethod
    def within(cls, around: Scope) -> Scope:
        """A scope whose values end with it, and whose steps' labels are those of the one around."""
        found = cls(around)
        found.labels, found.spans, found.given = around.labels, around.spans, around.given
        return found

    def enter(self, name: str, value: Ref) -> None:
        """Makes known what a round of a scan sees."""
        self.values[name] = value
        self.entries.add(name)

    def find(self, name: str) -> Ref | None:
        """The value of a name here or in a scope around."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.parent
        return None

    def knows(self, name: str) -> bool:
        """Whether a param, dim or index of this name is visible."""
        return name in self.names or (self.parent is not None and self.parent.knows(name))

    def is_outermost(self, name: str) -> bool:
        """Whether the nearest param or index of a name stands in the outermost scope."""
        scope: Scope = self
        while name not in scope.names and scope.parent is not None:
            scope = scope.parent
        return scope.parent is None

    def is_value(self, name: str) -> bool:
        """Whether the nearest thing of a name is a value, and no param or index."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return True
            if name in scope.names:
                return False
            scope = scope.parent
        return False

    def all_values(self) -> set[str]:
        """Every visible value's name."""
        return set(self.values) | (self.parent.all_values() if self.parent else set())

    def all_names(self) -> set[str]:
        """Every visible param, dim and index."""
        return self.names | (self.parent.all_names() if self.parent else set())

    def label(self, word: str, span: Span) -> str:
        """The path part of an unnamed step: the word itself, then `word_1`, `word_2`, …."""
        count = self.labels.get(word, 0)
        self.labels[word] = count + 1
        label = f"{word}_{count}" if count else word
        if label in self.spans:
            return self.label(word, span)
        self.given[label] = span
        return label
