"""Named groups become modules: for backends where a scope of weights is an object of its own.

A `group` with a name (or one that repeats) holds weights under that name, so in PyTorch and Flax it
is a class. This pass turns it into a module and its step into a call; what the group reads from
around it (values, params, indices, dims) becomes the module's further inputs and params.
"""

from __future__ import annotations

from dslc.ir.graph import (
    MODULE,
    REGION_INPUT,
    ApplyOp,
    Body,
    CallModule,
    Group,
    Input,
    Module,
    Parallel,
    Param,
    Ref,
    Residual,
    Step,
)
from dslc.ir.walk import all_steps, free_names_of
from dslc.syntax.expressions import Name
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.graph import Action, Program
    from dslc.source import Span


def outline(program: Program, *, shared_only: bool = False) -> Program:
    """The program with every labelled group as a module.

    Args:
        program: The program.
        shared_only: Leaves alone all groups but those that repeat with one set of weights, for
            backends where only these need an object.
    """
    pass_ = _Outline(program, shared_only=shared_only)
    for name, module in program.modules.items():
        pass_.modules[name] = module.replace(body=pass_.body(module.body, module))
    modules = {name: pass_.modules[name] for name in (*pass_.made, *program.modules)}
    return program.replace(modules=modules)


class _Outline:
    def __init__(self, program: Program, *, shared_only: bool) -> None:
        self.program = program
        self.shared_only = shared_only
        self.modules: dict[str, Module] = {}
        self.made: list[str] = []
        self.last_id = 0

    def body(self, body: Body, owner: Module) -> Body:
        return body.replace(steps=tuple(self.step(step, owner) for step in body.steps))

    def step(self, step: Step, owner: Module) -> Step:
        slots = branch_slots(step.action)
        action = self.action(step.action, owner)
        step = step.replace(action=action)
        shares = step.repeat is not None and step.repeat.share
        is_region = not isinstance(action, ApplyOp | CallModule)
        if step.label and is_region and (shares or not self.shared_only):
            return self.call(step, owner, slots)
        return step

    def action(self, action: Action, owner: Module) -> Action:
        if isinstance(action, Group):
            return Group(self.body(action.body, owner))
        if isinstance(action, Residual):
            return Residual(self.body(action.main, owner), self.body(action.shortcut, owner))
        if isinstance(action, Parallel):
            branches = tuple(self.branch(label, body, owner) for label, body in action.branches)
            return action.replace(branches=branches)
        return action

    def branch(self, label: str, body: Body, owner: Module) -> tuple[str, Body]:
        """A branch; one with a name is a scope, so its steps become a module."""
        if self.shared_only:
            return label, self.body(body, owner)
        if not label or not body.steps:
            return "", self.body(body, owner)
        first = body.steps[0]
        region = {(ref.owner, ref.slot): ref for ref in entries(body)}
        start = next(iter(region.values()), first.inputs[0] if first.inputs else None)
        self.last_id -= 1
        scope = plain_step(self.last_id, label, Group(body), (start,), first.span)
        entry = {key: Ref(scope.id, REGION_INPUT, first.span) for key in region}
        group = Group(renamed(body, entry))
        called = self.step(scope.replace(action=group), owner)
        return "", Body((called,), Ref(called.id, "", first.span))

    def call(self, step: Step, owner: Module, slots: list[str]) -> Step:
        """The call of a new module that holds a region's steps; `slots` names its outputs."""
        body, outputs = contents(step, slots)
        name = self.fresh_name(step.label, owner)
        captured = captured_values(step, body)
        names = value_names(owner, captured)
        mapping = {(step.id, REGION_INPUT): Ref(MODULE, "x")}
        mapping |= {key: Ref(MODULE, names[key]) for key in captured}
        inputs = (
            Input("x", None, step.span),
            *(Input(names[k], None, step.span) for k in captured),
        )
        params = self.params_of(step, body, owner)
        body = renamed(body, mapping)
        self.made.append(name)
        self.modules[name] = Module(
            name=name,
            doc=step.doc or described(step, owner),
            params=params,
            inputs=inputs,
            where=(),
            body=body,
            outputs=(("output", body.result), *outputs),
            is_model=False,
            span=step.span,
        )
        arguments = {param.name: Name(param.name, step.span) for param in params}
        refs = (*step.inputs, *(Ref(*key) for key in captured))
        return step.replace(action=CallModule(name, arguments), inputs=refs)

    def fresh_name(self, label: str, owner: Module) -> str:
        """A class name for a group: its own in CamelCase, behind the owner's where that is taken."""
        name = "".join(part[:1].upper() + part[1:] for part in label.split("_"))
        taken = self.program.modules.keys() | self.modules.keys()
        for candidate in (name, owner.name + name):
            if candidate not in taken:
                return candidate
        number = 2
        while f"{owner.name}{name}{number}" in taken:
            number += 1
        return f"{owner.name}{name}{number}"

    def params_of(self, step: Step, body: Body, owner: Module) -> tuple[Param, ...]:
        """What the group's expressions use from around it, but for the file's params."""
        inside = step.replace(repeat=None, when=None, type=None)
        bound = {
            name
            for other in all_steps(body)
            if other.repeat is not None
            for name in (*other.repeat.names, other.repeat.index)
        }
        used = free_names_of(inside) - bound - self.program.values.keys()
        own = {param.name: param for param in owner.params}
        loop = () if step.repeat is None else (*step.repeat.names, step.repeat.index)
        order = [name for name in (*own, *loop) if name in used]
        order += sorted(used.difference(order))
        kinds = {name: own[name].kind if name in own else "" for name in order}
        return tuple(Param(name, kinds[name], None, None, step.span) for name in order if name)


def described(step: Step, owner: Module) -> str:
    """A docstring for a group that the spec gives none."""
    return f"{'One ' if step.repeat is not None else ''}`{step.label}` of `{owner.name}`"


def branch_slots(action: Action) -> list[str]:
    """The names of the outputs of branches that are not joined."""
    if not isinstance(action, Parallel) or action.join != "none":
        return []
    return [label or str(k) for k, (label, _) in enumerate(action.branches)]


def contents(step: Step, slots: list[str]) -> tuple[Body, list[tuple[str, Ref]]]:
    """What a labelled region holds as a module's body, and its outputs beyond the value.

    Branches that became modules lost their labels, so their slots are now their numbers.
    """
    action = step.action
    if isinstance(action, Group):
        return action.body, []
    entry = (Ref(step.id, REGION_INPUT, step.span),)
    inner = plain_step(step.id, "", action, entry, step.span).replace(doc=step.doc)
    own = branch_slots(action)
    outputs = [(slot, Ref(step.id, o, step.span)) for slot, o in zip(slots, own, strict=True)]
    return Body((inner,), Ref(step.id, "", step.span)), outputs


def plain_step(
    identifier: int, label: str, action: Action, inputs: tuple[Ref | None, ...], span: Span
) -> Step:
    """A step with nothing but an action and inputs."""
    return Step(
        id=identifier,
        name=None,
        label=label,
        action=action,
        inputs=inputs,
        repeat=None,
        when=None,
        type=None,
        init={},
        tie={},
        freeze=False,
        doc=None,
        span=span,
    )


def entries(body: Body) -> list[Ref]:
    """The references of a body to the value that enters its region."""
    own = {step.id for step in all_steps(body)}
    refs = [ref for step in all_steps(body) for ref in step.inputs if ref is not None]
    return [ref for ref in refs if ref.slot == REGION_INPUT and ref.owner not in own]


def captured_values(step: Step, body: Body) -> list[tuple[int, str]]:
    """The values from outside that a group's steps read."""
    own = {inner.id for inner in all_steps(body)} | {step.id}
    found: dict[tuple[int, str], None] = {}
    for inner in all_steps(body):
        for ref in inner.inputs:
            if ref is not None and ref.owner not in own:
                found[ref.owner, ref.slot] = None
    return list(found)


def value_names(owner: Module, captured: list[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """A name for each captured value: the step's or input's own."""
    steps = {step.id: step for step in all_steps(owner.body)}
    names: dict[tuple[int, str], str] = {}
    for key in captured:
        identifier, slot = key
        step = steps.get(identifier)
        word = slot if identifier == MODULE else (step.name if step and step.name else "value")
        word = word if word != "x" else "outer"
        while word in names.values():
            word += "_"
        names[key] = word
    return names


def renamed(body: Body, mapping: dict[tuple[int, str], Ref]) -> Body:
    """A body with references replaced."""

    def swap(ref: Ref | None) -> Ref | None:
        if ref is None:
            return None
        found = mapping.get((ref.owner, ref.slot))
        return ref if found is None else Ref(found.owner, found.slot, ref.span)

    def swap_action(action: Action) -> Action:
        if isinstance(action, Group):
            return Group(renamed(action.body, mapping))
        if isinstance(action, Residual):
            return Residual(renamed(action.main, mapping), renamed(action.shortcut, mapping))
        if isinstance(action, Parallel):
            branches = tuple((label, renamed(inner, mapping)) for label, inner in action.branches)
            return action.replace(branches=branches)
        return action

    steps = tuple(
        step.replace(
            inputs=tuple(swap(ref) for ref in step.inputs),
            action=swap_action(step.action),
        )
        for step in body.steps
    )
    result = swap(body.result)
    assert result is not None
    return Body(steps, result)
