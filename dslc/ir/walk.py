"""Walks over the IR."""

from __future__ import annotations

from dslc.ir.graph import (
    EVERY,
    ApplyOp,
    CallModule,
    ChooseOp,
    Group,
    Parallel,
    Residual,
    Reuse,
    Scan,
)
from dslc.syntax.expressions import free_names
from dslc.syntax.types import ELLIPSIS
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dslc.ir.graph import Action, Body, Module, Ref, Step
    from dslc.syntax.expressions import Expr


def regions(action: Action) -> tuple[Body, ...]:
    """The bodies inside an action."""
    if isinstance(action, ApplyOp | CallModule):
        return ()
    if isinstance(action, Group | Scan):
        return (action.body,)
    if isinstance(action, Residual):
        return (action.main, action.shortcut)
    if isinstance(action, Parallel):
        return tuple(body for _, body in action.branches)
    return ()


def followers(action: Action, inputs: Sequence[Ref | None]) -> tuple[bool, ...]:
    """Which inputs follow the first one round a repeat: itself, and those that stand for it by default.

    Attention whose `key` is left out attends to its query, in each round to that round's.
    """
    action = action.step.action if isinstance(action, Reuse) else action
    if not isinstance(action, ApplyOp) or any(item.variadic for item in action.op.inputs):
        return tuple(place == 0 for place in range(len(inputs)))
    found: dict[str, bool] = {}
    for item, ref in zip(action.op.inputs, inputs, strict=False):
        found[item.name] = not found or (
            ref is not None and ref == inputs[0] and found.get(item.default or "", False)
        )
    return tuple(found.values())


def with_regions(action: Action, change: Callable[[Body], Body]) -> Action:
    """The action with every body inside it changed."""
    if isinstance(action, Group | Scan):
        return action.replace(body=change(action.body))
    if isinstance(action, Residual):
        return Residual(change(action.main), change(action.shortcut))
    if isinstance(action, Parallel):
        return action.replace(branches=tuple((label, change(b)) for label, b in action.branches))
    return action


def ends(action: Action) -> tuple[Ref, ...]:
    """The values inside an action that it reads itself: what its bodies end on, a scan's carries."""
    results = tuple(body.result for body in regions(action))
    return (*results, *action.next) if isinstance(action, Scan) else results


def with_actions(body: Body, change: Callable[[Action], Action]) -> Body:
    """A body in which each action that holds no steps is what `change` makes of it."""
    steps = (step.replace(action=_changed(step.action, change)) for step in body.steps)
    return body.replace(steps=tuple(steps))


def _changed(action: Action, change: Callable[[Action], Action]) -> Action:
    """An action with what it holds changed."""
    if isinstance(action, Reuse):
        step = action.step
        return Reuse(step.replace(action=_changed(step.action, change)))
    if isinstance(action, ApplyOp | CallModule):
        return change(action)
    return with_regions(action, lambda inner: with_actions(inner, change))


def all_steps(body: Body) -> Iterator[Step]:
    """Every step of a body and of the regions inside, in the order of the text."""
    for step in body.steps:
        yield step
        for inner in regions(step.action):
            yield from all_steps(inner)


def actions(body: Body) -> Iterator[tuple[Step, Action]]:
    """Every step with what it does."""
    for step in all_steps(body):
        yield step, step.action


def called_by(module: Module) -> Iterator[tuple[Step, str]]:
    """The modules that a module's steps call, and the models that they are tied to."""
    for step, action in actions(module.body):
        if isinstance(action, CallModule):
            yield step, action.module
        yield from ((step, tie.model) for tie in step.tie.values() if tie.model is not None)


def free_names_of(step: Step) -> frozenset[str]:
    """Every name that the expressions of a step and of what it holds use."""
    found: set[str] = set()
    for inner, action in ((step, step.action), *_inside(step)):
        for expression in expressions_of(inner, action):
            found |= free_names(expression)
    return frozenset(found)


def _inside(step: Step) -> Iterator[tuple[Step, Action]]:
    for body in regions(step.action):
        yield from actions(body)


def expressions_of(step: Step, action: Action) -> Iterator[Expr]:
    """Every expression that a step itself holds."""
    if isinstance(action, ApplyOp):
        yield from action.attributes.values()
    elif isinstance(action, CallModule):
        yield from action.arguments.values()
    elif isinstance(action, ChooseOp):
        yield from (action.word, *action.reads)
    elif isinstance(action, Parallel):
        yield action.axis
    elif isinstance(action, Scan):
        if action.times is not None:
            yield action.times
    elif isinstance(action, Reuse):
        for inner, what in ((action.step, action.step.action), *_inside(action.step)):
            yield from expressions_of(inner, what)
    nexts = action.next if isinstance(action, Scan) else ()
    for ref in (*step.inputs, *nexts, *(ref for _, ref in step.exports)):
        if ref is not None and ref.index is not None and ref.index != EVERY:
            yield ref.index
    if step.when is not None:
        yield step.when
    if step.repeat is not None:
        yield from (part for part in (step.repeat.times, step.repeat.over) if part is not None)
    if step.type is not None and step.type.dims is not None:
        yield from (dim for dim in step.type.dims if dim is not ELLIPSIS)  # pyright: ignore[reportReturnType]
    for tie in step.tie.values():
        yield from (part for part in tie.path if not isinstance(part, str))
    for initialiser in step.init.values():
        yield from (value for _, value in initialiser.arguments)


def chooses(modules: Mapping[str, Module]) -> bool:
    """Whether a step of some modules is an op that a param names."""
    found = (action for module in modules.values() for _, action in choices_of(module.body))
    return next(found, None) is not None


def choices_of(body: Body) -> Iterator[tuple[Step, ChooseOp]]:
    """The steps of a body whose op a param names."""
    for step, action in actions(body):
        if isinstance(action, ChooseOp):
            yield step, action
