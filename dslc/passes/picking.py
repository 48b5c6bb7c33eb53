"""Values that a scan reads out of a list are taken from it before the scan.

A round that is a graph of its own is handed each value that it reads from around it, and a list of
the values of a repeat is none.
"""

from __future__ import annotations

from dslc.ir.graph import EVERY, ApplyOp, Ref, Scan, plain_step
from dslc.ir.walk import all_steps, ends, regions, with_regions
from dslc.ops.select import Identity
from dslc.passes.outline import renamed
from dslc.syntax.expressions import free_names
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.graph import Body, Module, Program, Step


def picked(program: Program) -> Program:
    """The program in which no scan reads one value of a list from around it."""
    changed = {name: Picking(module).done() for name, module in program.modules.items()}
    if all(changed[name] is module for name, module in program.modules.items()):
        return program
    return program.replace(modules=changed)


@final
class Picking:
    """Takes what the scans of one module read out of lists."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.last_id = max((step.id for step in all_steps(module.body)), default=0)
        self.picks = False

    def done(self) -> Module:
        """The module; itself where nothing has to be taken."""
        body = self.body(self.module.body)
        return self.module.replace(body=body) if self.picks else self.module

    def body(self, body: Body) -> Body:
        """The steps of a body, and before each scan what it reads out of lists."""
        steps: list[Step] = []
        for step in body.steps:
            found = step
            if isinstance(step.action, Scan):
                mapping = {ref: self.pick(ref, step, steps) for ref in read_of_lists(step)}
                alone = body.replace(steps=(step,))
                found = renamed(alone, mapping).steps[0] if mapping else step
            steps.append(found.replace(action=with_regions(found.action, self.body)))
        return body.replace(steps=tuple(steps))

    def pick(self, ref: Ref, step: Step, steps: list[Step]) -> Ref:
        """Adds the step that takes a value, and refers to it."""
        self.picks = True
        self.last_id += 1
        steps.append(plain_step(self.last_id, "picked", ApplyOp(Identity, {}), (ref,), step.span))
        return Ref(self.last_id, "", ref.span)


def read_of_lists(step: Step) -> list[Ref]:
    """What the rounds of a scan read of lists around it, by numbers that are known there."""
    inner = [own for body in regions(step.action) for own in all_steps(body)]
    refs = [ref for own in inner for ref in (*own.inputs, *ends(own.action))]
    refs += [*ends(step.action)]
    counted = {
        name
        for own in inner
        if own.repeat is not None
        for name in (*own.repeat.names, own.repeat.index)
    }
    around = {step.id, *(own.id for own in inner)}
    return [
        ref
        for ref in dict.fromkeys(refs)
        if ref is not None
        and ref.owner not in around
        and ref.index not in (None, EVERY)
        and not isinstance(ref.index, str)
        and free_names(ref.index).isdisjoint(counted)
    ]
