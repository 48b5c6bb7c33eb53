"""Blocks that would hand out one value twice: as their own, and under a name or two.

What reads the value under a further name reads it under the first.
"""

from __future__ import annotations

from dslc.ir.graph import CallModule, Ref, Reuse
from dslc.ir.replacing import with_references
from dslc.ir.walk import all_steps
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Module, Program, Step

    Slots = Mapping[str, str]


def outputs_once(program: Program) -> Program:
    """The program in which every block gives each value once; itself where that is so already."""
    again = {name: given_again(module) for name, module in program.modules.items()}
    if not any(again.values()):
        return program
    modules = {name: reading_once(module, again) for name, module in program.modules.items()}
    return program.replace(modules=modules)


def given_again(module: Module) -> Slots:
    """The outputs of a block that are an earlier one's value, with that one."""
    if module.is_model:
        return {}
    first = {module.body.result: ""}
    found: dict[str, str] = {}
    for name, ref in module.outputs:
        known = first.setdefault(ref, name)
        if known != name:
            found[name] = known
    return found


def reading_once(module: Module, again: Mapping[str, Slots]) -> Module:
    """A module that neither gives a value twice nor reads one under its further name."""
    calls = {step.id: again.get(callee_of(step), {}) for step in all_steps(module.body)}

    def change(ref: Ref) -> Ref:
        slot = calls.get(ref.owner, {}).get(ref.slot)
        return ref if slot is None else ref.replace(slot=slot)

    own = again[module.name]
    outputs = [(name, change(ref)) for name, ref in module.outputs if name not in own]
    names = [name for name, first in own.items() if not first]
    return module.replace(
        outputs=tuple(outputs),
        body=with_references(module.body, change),
        value=names[0] if names else None,
    )


def callee_of(step: Step) -> str:
    """The module that a step calls, or runs again; nothing where it does neither."""
    action = step.action.step.action if isinstance(step.action, Reuse) else step.action
    return action.module if isinstance(action, CallModule) else ""
