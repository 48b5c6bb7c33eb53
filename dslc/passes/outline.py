"""Named groups become modules: for backends where a scope of weights is an object of its own.

A `group` with a name (or one that repeats) holds weights under that name, so in PyTorch and Flax it
is a class. This pass turns it into a module and its step into a call; what the group reads from
around it (values, params, indices, dims) becomes the module's further inputs and params.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dslc.ir.graph import (
    MODULE,
    REGION_INPUT,
    Body,
    CallModule,
    Group,
    Input,
    Module,
    Parallel,
    Param,
    Ref,
    Residual,
)
from dslc.ir.walk import all_steps, free_names_of
from dslc.syntax.expressions import Name

if TYPE_CHECKING:
    from dslc.ir.graph import Action, Program, Step


def outline(program: Program) -> Program:
    """The program with every labelled group as a module."""
    pass_ = _Outline(program)
    for name, module in program.modules.items():
        pass_.modules[name] = replace(module, body=pass_.body(module.body, module))
    modules = {name: pass_.modules[name] for name in (*pass_.made, *program.modules)}
    return replace(program, modules=modules)


class _Outline:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.modules: dict[str, Module] = {}
        self.made: list[str] = []

    def body(self, body: Body, owner: Module) -> Body:
        return replace(body, steps=tuple(self.step(step, owner) for step in body.steps))

    def step(self, step: Step, owner: Module) -> Step:
        action = self.action(step.action, owner)
        if isinstance(action, Group) and step.label:
            return self.call(replace(step, action=action), action, owner)
        return replace(step, action=action)

    def action(self, action: Action, owner: Module) -> Action:
        if isinstance(action, Group):
            return Group(self.body(action.body, owner))
        if isinstance(action, Residual):
            return Residual(self.body(action.main, owner), self.body(action.shortcut, owner))
        if isinstance(action, Parallel):
            branches = tuple((label, self.body(body, owner)) for label, body in action.branches)
            return replace(action, branches=branches)
        return action

    def call(self, step: Step, group: Group, owner: Module) -> Step:
        """The call of a new module that holds the group's steps."""
        name = self.fresh_name(step.label, owner)
        captured = captured_values(step, group)
        names = value_names(owner, captured)
        mapping = {(step.id, REGION_INPUT): Ref(MODULE, "x")}
        mapping |= {key: Ref(MODULE, names[key]) for key in captured}
        inputs = (Input("x", None, step.span), *(Input(names[k], None, step.span) for k in captured))
        params = self.params_of(step, group, owner)
        body = renamed(group.body, mapping)
        self.made.append(name)
        self.modules[name] = Module(
            name=name,
            doc=step.doc,
            params=params,
            inputs=inputs,
            where=(),
            body=body,
            outputs=(("output", body.result),),
            is_model=False,
            span=step.span,
        )
        arguments = {param.name: Name(param.name, step.span) for param in params}
        refs = (*step.inputs, *(Ref(*key) for key in captured))
        return replace(step, action=CallModule(name, arguments), inputs=refs)

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

    def params_of(self, step: Step, group: Group, owner: Module) -> tuple[Param, ...]:
        """What the group's expressions use from around it, but for the file's params."""
        inside = replace(step, repeat=None, when=None, type=None)
        bound = {
            name
            for other in all_steps(group.body)
            if other.repeat is not None
            for name in (*other.repeat.names, other.repeat.index)
        }
        used = sorted(free_names_of(inside) - bound - self.program.values.keys())
        own = {param.name: param for param in owner.params}
        kinds = {name: own[name].kind if name in own else "" for name in used}
        return tuple(Param(name, kinds[name], None, None, step.span) for name in used)


def captured_values(step: Step, group: Group) -> list[tuple[int, str]]:
    """The values from outside that a group's steps read."""
    own = {inner.id for inner in all_steps(group.body)} | {step.id}
    found: dict[tuple[int, str], None] = {}
    for inner in all_steps(group.body):
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
            return replace(action, branches=branches)
        return action

    steps = tuple(
        replace(
            step,
            inputs=tuple(swap(ref) for ref in step.inputs),
            action=swap_action(step.action),
        )
        for step in body.steps
    )
    result = swap(body.result)
    assert result is not None
    return Body(steps, result)
