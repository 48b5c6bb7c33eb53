"""Steps with weights beside phases: those of a phase become a model of its own.

The model reads what these steps read and gives what the rest of the phase's graph reads of them. It is
held beside the spec's models, so that a phase moves its weights with those of the models that it
updates. Where the spec's only model or a gradient stands among the steps, they are several models, each
a part of one: further parts are methods of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

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
from dslc.emit.lifting_parts import Sizes, parts_of, types_of
from dslc.emit.names import class_name
from dslc.emit.shapes import words
from dslc.ir.graph import MODULE, Body, CallModule, Input, Module, Ref, Reuse, plain_step
from dslc.ir.models import fresh, held
from dslc.ir.walk import all_steps
from dslc.passes.outline import renamed
from dslc.train.inner import SUFFIX, name_in_training

if TYPE_CHECKING:
    from dslc.emit.lifting_parts import PartOfSteps, Types
    from dslc.ir.graph import Program, Step
    from dslc.train.training import Phase, Training


PARTS = ("", "second_part", "third_part", "fourth_part", "further_part")
"""What the methods of the second and further parts are called."""

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
        types = types_of(phase)
        for number, part in enumerate(parts_of(graphs[place], heavy, program)):
            lifting = StepsOfPhase(program, phase, graphs[place], part, types)
            program, graphs[place] = lifting.with_model(number)
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
    """Moves steps of a phase's graph into a model; `types` learns those of its outputs."""

    def __init__(
        self, program: Program, phase: Phase, graph: Module, part: PartOfSteps, types: Types
    ) -> None:
        self.program = program
        self.phase = phase
        self.given = graph
        self.types = types
        self.steps = {step.id: step for step in graph.body.steps}
        self.behind = self.readers(part.heavy)
        self.moved = self.behind & self.needed(part.heavy) & part.near
        self.refuse_apart()
        self.inputs = self.named(self.read_inside(), program)
        self.outputs = self.named(self.read_outside() or self.unread(), program)

    def with_model(self, number: int) -> tuple[Program, Module]:
        """The modules with the new model, and the graph that is left, which calls it.

        Args:
            number: How many models the phase has already.
        """
        model = self.model(number)
        return with_model(self.program, model), self.rest(model)

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

    def refuse_apart(self) -> None:
        """Refuses a step that has weights of one which is in another part."""
        for number in self.moved:
            step = self.steps[number]
            inner = list(all_steps(Body((step,), Ref(MODULE, ""))))
            again = [one.action.step.id for one in inner if isinstance(one.action, Reuse)]
            ties = {tie.path[0] for one in inner for tie in one.tie.values() if tie.model is None}
            labels = {other.label for key, other in self.steps.items() if key in self.moved}
            if any(key not in self.moved for key in set(again) - {one.id for one in inner}) or (
                ties - labels
            ):
                raise refuse(
                    step,
                    f"has weights of a step that the model or a gradient parts from it: {MEND}",
                )

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

    def unread(self) -> list[Ref]:
        """A value of theirs where nothing reads one: their weights are there all the same."""
        last = [step for number, step in self.steps.items() if number in self.moved][-1]
        keys = [key for key in self.types if key[0] == last.id]
        return [Ref(number, slot, last.span) for number, slot in keys[:1]]

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

    def model(self, number: int) -> Module:
        """The steps as a model, `number` of which the phase has already."""
        sizes = Sizes([self.types[ref.key] for ref in self.inputs], self.given.span)
        inputs = [
            Input(name, sizes.written(self.types[ref.key]), self.given.span)
            for ref, name in self.inputs.items()
        ]
        mapping = {ref: Ref(MODULE, name) for ref, name in self.inputs.items()}
        steps = tuple(step for number, step in self.steps.items() if number in self.moved)
        outputs = tuple((name, ref) for ref, name in self.outputs.items())
        word = PARTS[min(number, len(PARTS) - 1)]
        method = fresh(word, (step.label for step in self.steps.values())) if number else None
        what = f"The {word.replace('_', ' ')} of the steps" if number else "Steps"
        name = class_name(f"{self.phase.own}_{method}" if method else self.phase.own)
        return Module(
            name=fresh(name, self.program.modules),
            doc=f"{what} of the phase `{self.phase.name}` that have weights",
            params=(),
            inputs=tuple(inputs),
            where=(*sizes.facts(self.given.where),),
            body=renamed(Body(steps, outputs[0][1]), mapping),
            outputs=outputs,
            is_model=True,
            span=self.given.span,
            home=self.phase.own,
            method=method,
        )

    def rest(self, model: Module) -> Module:
        """The graph that is left, which calls the model as early as it can."""
        graph = self.given
        number = max(step.id for step in all_steps(graph.body)) + 1
        inputs = tuple(Ref(ref.owner, ref.slot, graph.span) for ref in self.inputs)
        label = self.phase.own
        call = plain_step(number, label, CallModule(model.name, {}), inputs, graph.span)
        mapping = {ref: Ref(number, name) for ref, name in self.outputs.items()}
        self.types.update(
            {(number, name): self.types[ref.key] for ref, name in self.outputs.items()}
        )
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
