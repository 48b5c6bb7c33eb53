"""Steps with weights beside phases: those of a phase become a model of its own.

The model reads what these steps read and gives what the rest of the phase's graph reads of them. It is
held beside the spec's models, so that a phase moves its weights with those of the models that it
updates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.backend import BuildError
from dslc.emit.lifting import (
    MEND,
    calling,
    calls_model,
    calls_of_models,
    is_heavy,
    read_by,
    refuse,
    swapped,
)
from dslc.emit.names import class_name
from dslc.emit.shapes import words
from dslc.ir.graph import MODULE, Body, CallModule, Input, Module, Ref, plain_step
from dslc.ir.models import fresh, held
from dslc.ir.walk import all_steps
from dslc.passes.outline import renamed
from dslc.syntax.expressions import Literal, Name
from dslc.syntax.types import TypeExpr
from dslc.train.gradient import is_gradient
from dslc.train.inner import SUFFIX, name_in_training

if TYPE_CHECKING:
    from dslc.ir.graph import Program, Step
    from dslc.ir.instance import BodyInstance
    from dslc.ir.types import TensorType
    from dslc.train.training import Phase, Training


HOLDS = "It holds the steps that exist in training only, which it does not run itself."


def lift_phases(training: Training) -> tuple[Program, list[Module]]:
    """The program with what training adds to its models, and the graphs that call these.

    Raises:
        BuildError: A graph has weights where no backend can put them yet.
    """
    program, graphs = opened(training)
    for place, phase in enumerate(training.phases):
        heavy = heavy_steps(phase, training.program)
        if not heavy:
            continue
        if program.main == training.program.main and not program.has_several:
            program, graphs = for_training(program, graphs)
        lifting = StepsOfPhase(program, phase, graphs[place], heavy)
        program, graphs[place] = lifting.program, lifting.graph
    return program, graphs


def heavy_steps(phase: Phase, program: Program) -> list[Step]:
    """The steps of a phase that a function cannot hold."""
    calls = {step.id for step in calls_of_models(phase, program)}
    steps = phase.instance.body.steps
    return [found.step for found in steps if found.step.id not in calls and is_heavy(found)]


def opened(training: Training) -> tuple[Program, list[Module]]:
    """The program whose models give what the graphs read inside them, and graphs that call these."""
    program = training.program
    graphs = [phase.graph for phase in training.phases]
    called = {
        step.action.module
        for phase in training.phases
        for step in calls_of_models(phase, program)
        if isinstance(step.action, CallModule)
    }
    for name in called - {*program.models}:
        model = name.removesuffix("_").removesuffix(SUFFIX)
        if program.has_several:
            inside = program.modules[name].replace(name=model)
            program = program.replace(modules={**program.modules, model: inside})
            names = {name: model}
        else:
            program = program.replace(main=name, models=(name,))
            names = {model: name}
        graphs = [calling(graph, names) for graph in graphs]
    return program, graphs


def for_training(program: Program, graphs: list[Module]) -> tuple[Program, list[Module]]:
    """The program whose only model is one for training, which can hold more, and graphs that call it."""
    model = program.modules[program.main]
    name = name_in_training(program, model.name)
    modules = {**program.modules, name: model.replace(name=name)}
    program = program.replace(modules=modules, main=name, models=(name,))
    return program, [calling(graph, {model.name: name}) for graph in graphs]


@final
class StepsOfPhase:
    """Moves steps of a phase's graph into a model.

    Attributes:
        program: The modules with the new model.
        graph: The graph that is left, which calls it.
    """

    def __init__(self, program: Program, phase: Phase, graph: Module, heavy: list[Step]) -> None:
        self.phase = phase
        self.given = graph
        self.steps = {step.id: step for step in graph.body.steps}
        self.behind = self.readers({step.id for step in heavy})
        self.moved = self.behind & self.needed({step.id for step in heavy})
        self.refuse_gradients()
        self.inputs = self.named(self.read_inside(), program)
        self.outputs = self.named(self.read_outside(), program)
        if not program.has_several:
            self.refuse_calls(program)
        model = self.model(program)
        self.program = with_model(program, model)
        self.graph = self.rest(model)

    def readers(self, numbers: set[int]) -> set[int]:
        """Some steps and all that reads their values, at once or later."""
        found = set(numbers)
        for number, step in self.steps.items():
            if any(ref.owner in found for ref in read_by(step)):
                found.add(number)
        return found

    def needed(self, numbers: set[int]) -> set[int]:
        """Some steps and all that they need."""
        found = set(numbers)
        for number, step in reversed(self.steps.items()):
            if number in found:
                found |= {ref.owner for ref in read_by(step)} & self.steps.keys()
        return found

    def refuse_gradients(self) -> None:
        """Refuses a gradient among these steps, or by a value of theirs."""
        for step in self.steps.values():
            if is_gradient(step):
                _, wrt = step.inputs
                assert wrt is not None
                if step.id in self.moved or wrt.owner in self.moved:
                    raise refuse(step, "lies among steps with weights, beside phases")

    def refuse_calls(self, program: Program) -> None:
        """Refuses a call of the only model among these steps, as that model holds them."""
        for number in sorted(self.moved):
            if calls_model(self.steps[number], program):
                reason = "calls the model between steps with weights, beside phases"
                raise refuse(self.steps[number], f"{reason}: {MEND}")

    def read_inside(self) -> list[Ref]:
        """What the steps read that is not theirs."""
        moved = [step for number, step in self.steps.items() if number in self.moved]
        return [ref for step in moved for ref in read_by(step) if ref.owner not in self.moved]

    def read_outside(self) -> list[Ref]:
        """What the rest of the graph reads of theirs."""
        rest = [step for number, step in self.steps.items() if number not in self.moved]
        refs = [ref for step in rest for ref in read_by(step)]
        refs += [ref for _, ref in self.given.outputs]
        return [ref for ref in refs if ref.owner in self.moved]

    def named(self, refs: list[Ref], program: Program) -> dict[Ref, str]:
        """A name for each value."""
        found: dict[Ref, str] = {}
        for ref in refs:
            step = self.steps.get(ref.owner)
            if ref.index is not None or ref.slot.endswith("[]"):
                assert step is not None
                raise refuse(step, "has instances that steps with weights read or are read by")
            parts = (ref.slot,) if step is None else (step.name or step.label, ref.slot)
            if step is not None and ref.slot and not step.name and calls_model(step, program):
                parts = (ref.slot,)
            name = "_".join(part for part in parts if part).replace(".", "_") or "value"
            if ref not in found:
                found[ref] = fresh(name, found.values())
        return found

    def model(self, program: Program) -> Module:
        """The steps as a model."""
        body: BodyInstance = self.phase.instance.body
        types = {step.step.id: step.iterations[-1] for step in body.steps}
        inputs: list[Input] = []
        for ref, name in self.inputs.items():
            if ref.owner == MODULE:
                type = self.phase.instance.inputs[ref.slot]
            else:
                iteration = types[ref.owner]
                assert iteration is not None
                type = iteration.outputs[ref.slot]
            inputs.append(Input(name, self.written(type), self.given.span))
        mapping = {ref: Ref(MODULE, name) for ref, name in self.inputs.items()}
        steps = tuple(step for number, step in self.steps.items() if number in self.moved)
        outputs = tuple((name, ref) for ref, name in self.outputs.items())
        name = fresh(class_name(self.phase.own), program.modules)
        return Module(
            name=name,
            doc=f"Steps of the phase `{self.phase.name}` that have weights",
            params=(),
            inputs=tuple(inputs),
            where=self.given.where,
            body=renamed(Body(steps, outputs[0][1]), mapping),
            outputs=outputs,
            is_model=True,
            span=self.given.span,
            home=self.phase.own,
        )

    def written(self, type: TensorType) -> TypeExpr:
        """A type as a spec would write it."""
        span = self.given.span
        dims: list[Literal | Name] = []
        for dim in type.shape:
            if isinstance(dim, int):
                dims.append(Literal(dim, span))
            elif str(dim).isidentifier():
                dims.append(Name(str(dim), span))
            else:
                what = f"steps with weights read a value of type {type} beside phases"
                raise BuildError(f"{what}: put them into a model", span)
        return TypeExpr(type.dtype, tuple(dims), span)

    def rest(self, model: Module) -> Module:
        """The graph that is left, which calls the model as early as it can."""
        graph = self.given
        number = max(step.id for step in all_steps(graph.body)) + 1
        inputs = tuple(Ref(ref.owner, ref.slot, graph.span) for ref in self.inputs)
        label = self.phase.own
        call = plain_step(number, label, CallModule(model.name, {}), inputs, graph.span)
        mapping = {ref: Ref(number, name) for ref, name in self.outputs.items()}
        rest = [(key, step) for key, step in self.steps.items() if key not in self.moved]
        first = tuple(step for key, step in rest if key not in self.behind)
        later = tuple(step for key, step in rest if key in self.behind)
        result = swapped(graph.body.result, mapping)
        body = renamed(Body((*first, call, *later), result), mapping)
        outputs = tuple((name, swapped(ref, mapping)) for name, ref in graph.outputs)
        return graph.replace(body=body.replace(result=result), outputs=outputs)


def with_model(program: Program, model: Module) -> Program:
    """A program whose main module holds one more model: calls it where it calls the others."""
    modules = {**program.modules, model.name: model}
    if not program.has_several:
        if not program.beside:
            only = program.modules[program.main]
            doc = f"{only.doc or words(only.name)}\n\n{HOLDS}"
            modules[only.name] = only.replace(doc=doc)
        return program.replace(modules=modules, beside=(*program.beside, model.name))
    models = (*program.models, model.name)
    main = modules[program.main]
    chosen = models if program.chosen is None else (program.chosen,)
    main = held(main.name, main.doc, [modules[name] for name in chosen], main.span)
    modules[main.name] = main
    return program.replace(modules=modules, models=models)
