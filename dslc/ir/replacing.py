"""Steps with other expressions in place of names, or with other references."""

from __future__ import annotations

from dslc.ir.graph import ApplyOp, CallModule, Parallel, Ref, Reuse, Scan
from dslc.ir.walk import with_regions
from dslc.syntax.expression_folding import folded
from dslc.syntax.expressions import substitute
from dslc.syntax.types import ELLIPSIS, TypeExpr
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dslc.ir.graph import Action, Body, Initialiser, Module, Repeat, Step, Tie
    from dslc.syntax.expressions import Expr


def with_references(body: Body, change: Callable[[Ref], Ref]) -> Body:
    """A body in which each reference is what `change` makes of it."""

    def step_of(step: Step) -> Step:
        action = step.action
        if isinstance(action, Reuse):
            action = Reuse(step_of(action.step))
        else:
            action = with_regions(action, lambda inner: with_references(inner, change))
        if isinstance(action, Scan):
            action = action.replace(next=tuple(map(change, action.next)))
        return step.replace(
            action=action,
            inputs=tuple(None if ref is None else change(ref) for ref in step.inputs),
            exports=tuple((slot, change(ref)) for slot, ref in step.exports),
            kept=tuple(dict.fromkeys(change(Ref(step.id, slot)).slot for slot in step.kept)),
        )

    return body.replace(steps=tuple(map(step_of, body.steps)), result=change(body.result))


def with_names(module: Module, names: Mapping[str, Expr]) -> Module:
    """A module in which expressions stand for names, such as those of params that it lost."""
    swap = Swap(names)
    params = [param.replace(default=swap.one(param.default)) for param in module.params]
    return module.replace(
        params=tuple(params),
        inputs=tuple(item.replace(type=swap.type(item.type)) for item in module.inputs),
        where=tuple(map(swap.expression, module.where)),
        body=swap.body(module.body),
        outputs=tuple((name, swap.reference(ref)) for name, ref in module.outputs),
    )


@final
class Swap:
    """Puts expressions in place of names, but not where an index or item has such a name."""

    def __init__(self, names: Mapping[str, Expr]) -> None:
        self.names = names

    def expression(self, expression: Expr) -> Expr:
        """An expression with the names replaced."""
        return folded(substitute(expression, self.names))

    def one(self, expression: Expr | None) -> Expr | None:
        """An expression where there is one."""
        return None if expression is None else self.expression(expression)

    def all(self, expressions: Mapping[str, Expr]) -> dict[str, Expr]:
        """Expressions by name."""
        return {name: self.expression(value) for name, value in expressions.items()}

    def type(self, type: TypeExpr | None) -> TypeExpr | None:
        """A type with the names in its dims replaced."""
        if type is None or type.dims is None:
            return type
        dims = (dim if dim is ELLIPSIS else self.expression(dim) for dim in type.dims)  # pyright: ignore[reportArgumentType]
        return TypeExpr(type.dtype, tuple(dims), type.span)

    def reference(self, ref: Ref) -> Ref:
        """A reference whose index may use a name."""
        if ref.index is None or isinstance(ref.index, str):
            return ref
        return ref.replace(index=self.expression(ref.index))

    def body(self, body: Body) -> Body:
        """A body with the names replaced in all its steps."""
        steps = tuple(self.step(step) for step in body.steps)
        return body.replace(steps=steps, result=self.reference(body.result))

    def step(self, step: Step) -> Step:
        """A step; what its rounds are is said outside of them."""
        repeat = step.repeat
        if repeat is None:
            return self.round(step)
        own = {*repeat.names, repeat.index}
        inner = Swap({name: value for name, value in self.names.items() if name not in own})
        return inner.round(step).replace(repeat=self.repeat(repeat))

    def repeat(self, repeat: Repeat) -> Repeat:
        """How often a step runs."""
        return repeat.replace(times=self.one(repeat.times), over=self.one(repeat.over))

    def round(self, step: Step) -> Step:
        """What one round of a step says."""
        return step.replace(
            action=self.action(step.action),
            inputs=tuple(None if ref is None else self.reference(ref) for ref in step.inputs),
            when=self.one(step.when),
            type=self.type(step.type),
            init={name: self.initialiser(found) for name, found in step.init.items()},
            tie={name: self.tie(found) for name, found in step.tie.items()},
            exports=tuple((slot, self.reference(ref)) for slot, ref in step.exports),
        )

    def action(self, action: Action) -> Action:
        """What a step does."""
        if isinstance(action, ApplyOp):
            return action.replace(attributes=self.all(action.attributes))
        if isinstance(action, CallModule):
            return action.replace(arguments=self.all(action.arguments))
        if isinstance(action, Reuse):
            return Reuse(self.step(action.step))
        action = with_regions(action, self.body)
        if isinstance(action, Parallel):
            return action.replace(axis=self.expression(action.axis))
        if isinstance(action, Scan):
            follow = tuple(map(self.reference, action.next))
            return action.replace(times=self.one(action.times), next=follow)
        return action

    def initialiser(self, found: Initialiser) -> Initialiser:
        """What a weight begins as."""
        arguments = tuple((name, self.expression(value)) for name, value in found.arguments)
        return found.replace(arguments=arguments)

    def tie(self, tie: Tie) -> Tie:
        """A path to another weight."""
        path = (part if isinstance(part, str) else self.expression(part) for part in tie.path)
        return tie.replace(path=tuple(path))
