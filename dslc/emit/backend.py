"""What a backend is: rules by op class, gaps with their reasons, and the files of a project."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from dslc.ops.base import Op
    from dslc.source import Span

Rule = Any
"""A rule: a function of the backend's own context for one op."""


class BuildError(Exception):
    """A spec that is right but that a backend cannot express; the message says what to do.

    Attributes:
        message: What, and what to do about it.
        span: The step at fault, where there is one.
    """

    def __init__(self, message: str, span: Span | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span

    def __str__(self) -> str:
        return self.message if self.span is None else f"{self.span}: {self.message}"


@contextmanager
def at_step(span: Span) -> Generator[None]:
    """Says of a `BuildError` inside at which step it arose, where nothing further in has."""
    try:
        yield
    except BuildError as error:
        error.span = error.span or span
        raise


@final
class Rules:
    """A backend's rules by op class. Two rules for one op, or a rule and a gap, raise.

    Example:
        >>> rules = Rules("torch")
        >>> @rules.add(Relu)
        ... def relu(c): return f"F.relu({c.x})"
    """

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.table: dict[type[Op], Rule] = {}
        self.gaps: dict[type[Op], str] = {}

    def add(self, *ops: type[Op]) -> Callable[[Rule], Rule]:
        """A decorator that files a function as the rule of ops."""

        def file(rule: Rule) -> Rule:
            for op in ops:
                if op in self.table or op in self.gaps:
                    raise TypeError(f"{self.backend} has two rules for `{op.name}`")
                self.table[op] = rule
            return rule

        return file

    def gap(self, op: type[Op], reason: str) -> None:
        """Says why an op has no rule."""
        if op in self.table or op in self.gaps:
            raise TypeError(f"{self.backend} has two rules for `{op.name}`")
        self.gaps[op] = reason

    def find(self, op: type[Op]) -> Rule:
        """The rule of an op; raises `BuildError` where there is none."""
        if op in self.table:
            return self.table[op]
        reason = self.gaps.get(op)
        if reason:
            raise BuildError(f"`{op.name}` has no form in the {self.backend} backend: {reason}")
        return self.own(op)

    def own(self, op: type[Op]) -> Rule:
        """The rule of a user's op; raises `BuildError` where there is none."""
        from dslc.plugin import RULES, home, is_own

        found = RULES.get((self.backend, op))
        if found is not None:
            return found
        message = f"`{op.name}` has no rule in the {self.backend} backend"
        if not is_own(op):
            raise BuildError(f"{message}; add one to its rules")
        raise BuildError(f'{message}: add `@rule("{self.backend}", {op.__name__})` in {home(op)}')
