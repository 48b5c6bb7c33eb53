"""Sizes that a spec names by `type`: whatever reads such a name reads what it stands for.

`type: f32[N, 64, A, B]` beside a step calls the sizes that it leaves A and B. Generated code has no
such names: where a later step uses one, the size in the module's own names takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.ir.graph import ApplyOp, CallModule
from dslc.passes.binding import pair_axes
from dslc.syntax.expressions import Name, parse_expression, substitute

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dslc.ir.graph import Ref, Repeat, Step
    from dslc.ir.types import TensorType
    from dslc.syntax.expressions import Expr


@final
class NamedSizes:
    """What each name stands for, in the order of the steps."""

    def __init__(self) -> None:
        self.known: dict[str, Expr] = {}

    def learn(self, step: Step, type: TensorType | None, bound: Collection[str]) -> None:
        """Takes note of the names that a step's `type` gives to sizes; `bound` are no new ones."""
        pairs = (
            None
            if step.type is None or step.type.dims is None or type is None
            else (pair_axes(step.type, type))
        )
        for _, dim, size in pairs or ():
            if isinstance(dim, Name) and dim.id[0].isupper() and dim.id not in bound:
                self.known[dim.id] = parse_expression(str(size), dim.span)

    def resolved(self, step: Step) -> Step:
        """The step with the names replaced in all that it says of itself."""
        if not self.known:
            return step
        action = step.action
        if isinstance(action, ApplyOp):
            action = action.replace(attributes=self.all(action.attributes))
        elif isinstance(action, CallModule):
            action = action.replace(arguments=self.all(action.arguments))
        return step.replace(
            action=action,
            inputs=tuple(self.reference(ref) for ref in step.inputs),
            repeat=self.repeat(step.repeat),
            when=self.one(step.when),
        )

    def all(self, expressions: Mapping[str, Expr]) -> dict[str, Expr]:
        """Expressions by name."""
        return {name: substitute(value, self.known) for name, value in expressions.items()}

    def one(self, expression: Expr | None) -> Expr | None:
        """An expression where there is one."""
        return None if expression is None else substitute(expression, self.known)

    def reference(self, ref: Ref | None) -> Ref | None:
        """A reference whose index may use a name."""
        if ref is None or ref.index is None or isinstance(ref.index, str):
            return ref
        return ref.replace(index=substitute(ref.index, self.known))

    def repeat(self, repeat: Repeat | None) -> Repeat | None:
        """A repeat whose count may use a name."""
        if repeat is None:
            return None
        return repeat.replace(times=self.one(repeat.times), over=self.one(repeat.over))
