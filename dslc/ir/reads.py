"""What a module reads by name, and which names its loops bind around its calls."""

from __future__ import annotations

from dslc.ir.graph import CallModule, Reuse
from dslc.ir.walk import expressions_of, regions
from dslc.syntax.expressions import free_names
from dslc.syntax.types import ELLIPSIS
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.graph import Body, Module, Step


@final
class Reads:
    """The names in a module.

    Attributes:
        params: The names of its own params.
        names: What its expressions read that no loop around them binds; defaults apart.
        loops: What its loops bind.
        calls: Its calls, each with the names that loops bind around it.
    """

    __slots__ = ("calls", "loops", "names", "params")

    def __init__(self, module: Module) -> None:
        self.params = frozenset(param.name for param in module.params)
        self.names: set[str] = set()
        self.loops: set[str] = set()
        self.calls: list[tuple[CallModule, frozenset[str]]] = []
        for item in module.inputs:
            for dim in () if item.type is None or item.type.dims is None else item.type.dims:
                if dim is not ELLIPSIS:
                    self.names |= free_names(dim)  # pyright: ignore[reportArgumentType]
        for fact in module.where:
            self.names |= free_names(fact)
        self.body(module.body, frozenset())

    def body(self, body: Body, bound: frozenset[str]) -> None:
        """The steps of a body, inside loops that bind some names."""
        for step in body.steps:
            self.step(step, bound)

    def step(self, step: Step, bound: frozenset[str]) -> None:
        """One step with what is inside it."""
        repeat = step.repeat
        if repeat is not None:
            for expression in (repeat.times, repeat.over):
                self.names |= free_names(expression) - bound if expression is not None else set()
            own = frozenset((*repeat.names, *((repeat.index,) if repeat.index else ())))
            self.loops |= own
            bound |= own
        action = step.action.step.action if isinstance(step.action, Reuse) else step.action
        for expression in expressions_of(step.replace(repeat=None), action):
            self.names |= free_names(expression) - bound
        if isinstance(action, CallModule):
            self.calls.append((action, bound))
        for inner in regions(action):
            self.body(inner, bound)
