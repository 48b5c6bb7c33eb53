"""A module that was read and can still be looked into: what a reference means inside it."""

from __future__ import annotations

from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.graph import Body, Ref
    from dslc.ir.scope import Scope
    from dslc.ir.steps import StepReader
    from dslc.syntax.tree import Node


@final
class Opened:
    """A module's names after its last step, for the training graph, which sees them all."""

    __slots__ = ("body", "reader", "scope")

    def __init__(self, reader: StepReader, scope: Scope, body: Body) -> None:
        self.reader = reader
        self.scope = scope
        self.body = body

    def names(self, name: str) -> bool:
        """Whether a name stands for a value of the module."""
        return self.scope.find(name) is not None

    def value(self, node: Node) -> Ref | None:
        """The value that a reference means; structures hand it out from now on."""
        return self.reader.reference(node, self.scope)

    def finished(self) -> Body:
        """The module's body in which structures hand out every value that was asked for."""
        return self.reader.finished(self.body)
