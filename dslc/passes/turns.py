"""Runs of one layer in the order of the spec, where a framework takes what is ready first.

A batch norm that runs on several values moves its statistics in every run, and what they are in the
end depends on the order. A functional graph knows only what leads to what: so a later run is made to
read what the run before gave.
"""

from __future__ import annotations

from dslc.ir.graph import ApplyOp, CallModule, Ref, Reuse, plain_step
from dslc.ir.walk import all_steps, ends, regions, with_regions
from dslc.ops.base import Check, Input, Op
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from dslc.ir.graph import Body, Module, Program, Step
    from dslc.ir.types import TensorType


class InTurn(Op):
    """Its first input, once the second is there. Shape: that of the first."""

    name = "in_turn"
    inputs = (Input("x"), Input("after"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        del check
        return types[0]


def in_turn(program: Program) -> Program:
    """The program in which no run of a layer with statistics can overtake the one before."""
    movers = {name for name in program.modules if moves(program, program.modules[name].body)}
    modules = dict(program.modules)
    for name, module in program.modules.items():
        if any(isinstance(step.action, Reuse) for step in all_steps(module.body)):
            modules[name] = Turns(program, module, movers).module()
    same = all(modules[name] is program.modules[name] for name in modules)
    return program if same else program.replace(modules=modules)


def moves(program: Program, body: Body) -> bool:
    """Whether running a body moves statistics."""
    return any(moves_itself(program, step, None) for step in all_steps(body))


def moves_itself(program: Program, step: Step, movers: set[str] | None) -> bool:
    """Whether a step's own op or callee moves statistics."""
    action = step.action.step.action if isinstance(step.action, Reuse) else step.action
    if isinstance(action, CallModule):
        if movers is not None:
            return action.module in movers
        return moves(program, program.modules[action.module].body)
    if not isinstance(action, ApplyOp):
        return False
    return action.op.name == "batch_norm" or "normalize" in action.attributes


@final
class Turns:
    """Puts the runs of each layer of one module in order."""

    def __init__(self, program: Program, module: Module, movers: set[str]) -> None:
        self.program = program
        self.given = module
        self.movers = movers
        self.last_id = max(step.id for step in all_steps(module.body))
        self.before: dict[int, frozenset[int]] = {}
        self.runs: dict[int, int] = {}
        self.changed = False

    def module(self) -> Module:
        """The module, with what keeps its runs in order."""
        body = self.body(self.given.body)
        return self.given.replace(body=body) if self.changed else self.given

    def body(self, body: Body) -> Body:
        """The steps of a body, and before each later run what makes it wait."""
        steps: list[Step] = []
        for step in body.steps:
            self.note(step)
            wait = self.wait(step, {other.id for other in body.steps})
            if wait is not None:
                steps.append(wait)
                step = step.replace(inputs=(Ref(wait.id, "", wait.span), *step.inputs[1:]))
            steps.append(step.replace(action=with_regions(step.action, self.body)))
        return body.replace(steps=tuple(steps))

    def note(self, step: Step) -> None:
        """Notes which steps a step waits for anyway."""
        inner = [step, *(own for body in regions(step.action) for own in all_steps(body))]
        refs = [ref for own in inner for ref in (*own.inputs, *ends(own.action)) if ref is not None]
        owners = {ref.owner for ref in refs}
        found = owners.union(*(self.before.get(owner, ()) for owner in owners))
        self.before[step.id] = frozenset(found)

    def wait(self, step: Step, beside: set[int]) -> Step | None:
        """What makes a run wait for the one before; None where nothing can overtake."""
        layer = step.action.step.id if isinstance(step.action, Reuse) else step.id
        previous = self.runs.get(layer)
        self.runs[layer] = step.id
        first = step.inputs[0] if step.inputs else None
        if previous is None or previous not in beside or first is None:
            return None
        if previous in self.before[step.id] or not moves_itself(self.program, step, self.movers):
            return None
        self.last_id += 1
        self.changed = True
        after = Ref(previous, "", step.span)
        return plain_step(self.last_id, "in_turn", ApplyOp(InTurn, {}), (first, after), step.span)
