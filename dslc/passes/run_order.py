"""Runs of one layer in the order of the spec, where a framework takes what is ready first.

A batch norm that runs on several values moves its statistics in every run, and what they are in the
end depends on the order. A functional graph knows only what leads to what: so a later run is made to
read what the run before gave. Runs of one layer in different regions are left as they are.
"""

from __future__ import annotations

from functools import cache

from dslc.ir.graph import ApplyOp, CallModule, Ref, Reuse, plain_step
from dslc.ir.walk import all_steps, ends, regions, with_regions
from dslc.ops.base import Check, Input, Op
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.ir.graph import Body, Module, Program, Step
    from dslc.ir.types import TensorType


class InOrder(Op):
    """Its first input, once the second is there. Shape: that of the first."""

    name = "in_order"
    inputs = (Input("x"), Input("after"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        del check
        return types[0]


def in_order(program: Program) -> Program:
    """The program in which no run of a layer with statistics can overtake the one before."""

    @cache
    def calls_moving(name: str) -> bool:
        """Whether a module's steps move statistics."""
        return any(moves(step) for step in all_steps(program.modules[name].body))

    def moves(step: Step) -> bool:
        """Whether a run of a step itself moves statistics."""
        action = step.action.step.action if isinstance(step.action, Reuse) else step.action
        if isinstance(action, CallModule):
            return calls_moving(action.module)
        if not isinstance(action, ApplyOp):
            return False
        return action.op.name == "batch_norm" or "normalize" in action.attributes

    models = frozenset(name for name, module in program.modules.items() if module.is_model)
    changed = {
        name: RunOrder(module, moves, models).ordered()
        for name, module in program.modules.items()
        if any(shares(step, models) for step in all_steps(module.body))
    }
    if all(changed[name] is program.modules[name] for name in changed):
        return program
    return program.replace(modules={**program.modules, **changed})


def needed(module: Module) -> set[int]:
    """The steps of a module that its outputs need."""
    steps = {step.id: step for step in all_steps(module.body)}
    pending = [ref.owner for _, ref in module.outputs] + [module.body.result.owner]
    found: set[int] = set()
    while pending:
        step = steps.get(pending.pop())
        if step is None or step.id in found:
            continue
        found.add(step.id)
        refs = [*step.inputs, *ends(step.action), *(ref for _, ref in step.exports)]
        pending += [ref.owner for ref in refs if ref is not None]
    return found


def shares(step: Step, models: frozenset[str]) -> bool:
    """Whether a step runs layers that other steps may run too."""
    action = step.action
    return isinstance(action, Reuse) or (isinstance(action, CallModule) and action.module in models)


@final
class RunOrder:
    """Puts the runs of each layer, and of each model, of one module in order."""

    def __init__(
        self, module: Module, moves: Callable[[Step], bool], models: frozenset[str]
    ) -> None:
        self.module = module
        self.moves = moves
        self.models = models
        self.last_id = max(step.id for step in all_steps(module.body))
        self.live = needed(module)
        self.read: dict[int, set[int]] = {}
        self.runs: dict[int | str, int] = {}
        self.waits = False

    def ordered(self) -> Module:
        """The module with what keeps its runs in order; itself where nothing has to."""
        body = self.body(self.module.body)
        return self.module.replace(body=body) if self.waits else self.module

    def body(self, body: Body) -> Body:
        """The steps of a body, and before each later run what makes it wait."""
        steps: list[Step] = []
        beside = {step.id for step in body.steps}
        for step in body.steps:
            self.note(step)
            wait = self.wait(step, beside)
            if wait is not None:
                steps.append(wait)
                step = step.replace(inputs=(Ref(wait.id, "", wait.span), *step.inputs[1:]))
            steps.append(step.replace(action=with_regions(step.action, self.body)))
        return body.replace(steps=tuple(steps))

    def note(self, step: Step) -> None:
        """Notes what a step reads, itself or inside."""
        inner = [step, *(own for body in regions(step.action) for own in all_steps(body))]
        refs = [ref for own in inner for ref in (*own.inputs, *ends(own.action)) if ref is not None]
        self.read[step.id] = {ref.owner for ref in refs}

    def leads(self, first: int, last: int) -> bool:
        """Whether a step waits for another one anyway."""
        seen: set[int] = set()
        waiting = [last]
        while waiting:
            new = self.read.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return first in seen

    def layer(self, step: Step) -> int | str:
        """What a step runs: a model, or the layers of a step."""
        run = step.action.step if isinstance(step.action, Reuse) else step
        action = run.action
        if isinstance(action, CallModule) and action.module in self.models:
            return action.module
        return run.id

    def wait(self, step: Step, beside: set[int]) -> Step | None:
        """What makes a run wait for the one before; None where nothing can overtake."""
        if step.id not in self.live:  # nothing runs it
            return None
        layer = self.layer(step)
        previous = self.runs.get(layer)
        self.runs[layer] = step.id
        first = step.inputs[0] if step.inputs else None
        if previous is None or previous not in beside or first is None:
            return None
        if not self.moves(step) or self.leads(previous, step.id):
            return None
        self.last_id += 1
        self.waits = True
        after = Ref(previous, "", step.span)
        return plain_step(self.last_id, "in_order", ApplyOp(InOrder, {}), (first, after), step.span)
