"""Training steps with weights beside several models: they become part of what holds the models.

What holds the models in training runs these steps with all that they need, calls of models among it,
and gives the values that the rest of the graph reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.lifting import MEND, calls_model, read_by, refuse, swapped
from dslc.ir.graph import EVERY, MODULE, Body, CallModule, Module, Ref, plain_step
from dslc.ir.walk import all_steps
from dslc.passes.outline import renamed
from dslc.train.gradient import is_gradient
from dslc.train.inner import name_in_training

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.ir.graph import Program, Step


@final
class HolderLifting:
    """Moves steps of a graph into the module that holds the models.

    Attributes:
        program: The modules with the new main one.
        graph: The graph that is left, which calls it.
    """

    def __init__(self, program: Program, graph: Module, heavy: list[Step]) -> None:
        self.given = graph
        self.steps = {step.id: step for step in graph.body.steps}
        self.moved = self.with_needs(heavy)
        for step in heavy:
            if self.hinders(self.with_needs([step])):
                raise refuse(step, f"stands in a gradient's way: {MEND}")
        for step in self.steps.values():  # what can be is in one call
            if calls_model(step, program) and not self.hinders(self.with_needs([step])):
                self.moved |= self.with_needs([step])
        self.outputs = self.named_outputs()
        main = self.holder(program)
        modules = {**program.modules, main.name: main}
        self.program = program.replace(modules=modules, main=main.name, chosen=None)
        self.graph = self.rest(main)

    def behind(self, refs: Iterable[Ref], stop: int = MODULE) -> set[int]:
        """The steps that values need, as far as one of them."""
        found: set[int] = set()
        waiting = [ref.owner for ref in refs]
        while waiting:
            number = waiting.pop()
            if number not in (MODULE, stop) and number not in found:
                found.add(number)
                waiting += [ref.owner for ref in read_by(self.steps[number])]
        return found

    def with_needs(self, steps: Iterable[Step]) -> set[int]:
        """Some steps and all that they need."""
        given = list(steps)
        numbers = {step.id for step in given}
        return numbers | self.behind(ref for step in given for ref in read_by(step))

    def hinders(self, numbers: set[int]) -> bool:
        """Whether some steps are a gradient's, or lead from what it is taken by to what it is of."""
        gradients = [step for step in self.steps.values() if is_gradient(step)]
        for step in gradients:
            of, wrt = step.inputs
            assert of is not None
            assert wrt is not None
            path = self.behind([of], wrt.owner) & numbers
            leading = self.with_needs(self.steps[number] for number in path)
            if step.id in numbers or any(wrt in read_by(self.steps[n]) for n in leading):
                return True
        return False

    def named_outputs(self) -> dict[Ref, str]:
        """A name for each value of the moved steps that the rest of the graph reads."""
        rest = [step for number, step in self.steps.items() if number not in self.moved]
        refs = [*(ref for step in rest for ref in read_by(step))]
        refs += [ref for _, ref in self.given.outputs]
        found: dict[Ref, str] = {}
        for ref in refs:
            if ref.owner in self.moved and ref not in found:
                step = self.steps[ref.owner]
                if ref.index == EVERY:
                    raise refuse(step, "gives all its instances to a step without weights")
                parts = (step.name or step.label, ref.slot)
                name = "_".join(part for part in parts if part).replace(".", "_") or "value"
                while name in found.values():
                    name += "_"
                found[ref] = name
        return found

    def holder(self, program: Program) -> Module:
        """What holds the models, with the moved steps."""
        graph = self.given
        steps = tuple(step for number, step in self.steps.items() if number in self.moved)
        columns = {ref.slot for step in steps for ref in read_by(step) if ref.owner == MODULE}
        outputs = tuple((name, ref) for ref, name in self.outputs.items())
        return Module(
            name=name_in_training(program, program.main),
            doc=program.doc,
            params=(),
            inputs=tuple(item for item in graph.inputs if item.name in columns),
            where=graph.where,
            body=Body(steps, outputs[-1][1]),
            outputs=outputs,
            is_model=True,
            span=graph.span,
            home="",
        )

    def rest(self, main: Module) -> Module:
        """The graph that is left, which calls the new module first."""
        graph = self.given
        number = max(step.id for step in all_steps(graph.body)) + 1
        columns = tuple(Ref(MODULE, item.name, item.span) for item in main.inputs)
        call = plain_step(number, "model", CallModule(main.name, {}), columns, graph.span)
        mapping = {ref: Ref(number, name) for ref, name in self.outputs.items()}
        later = tuple(step for key, step in self.steps.items() if key not in self.moved)
        result = swapped(graph.body.result, mapping)
        body = renamed(Body((call, *later), result), mapping)
        outputs = tuple((name, swapped(ref, mapping)) for name, ref in graph.outputs)
        return graph.replace(body=body.replace(result=result), outputs=outputs)
