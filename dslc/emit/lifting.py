"""Training steps with weights move into the model as training sees it, where every backend has them.

A backend writes the training graph as functions, which own nothing. So what has weights, what draws
at random and what calls blocks becomes part of a model of its own: the spec's model with these steps
behind it, and with the values that the rest of the graph reads as further outputs. Weights keep their
paths.
"""

from __future__ import annotations

from dslc.diagnostics import Report
from dslc.emit.backend import BuildError
from dslc.emit.draws import with_columns
from dslc.ir.graph import EVERY, MODULE, Body, CallModule, Input, Ref
from dslc.ir.walk import all_steps, regions, with_actions
from dslc.limits import Limits
from dslc.passes.instantiate import Instantiator
from dslc.passes.outline import renamed
from dslc.passes.pipeline import Checked, check_program
from dslc.train.gradient import is_gradient
from dslc.train.inner import SUFFIX, name_in_training
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dslc.emit.draws import Drawn
    from dslc.ir.graph import Action, Module, Program, Step
    from dslc.ir.instance import StepInstance
    from dslc.train.training import Phase, Training


MEND = "put the steps into the model, and list their values under `outputs`"


@final
class Lifted:
    """What a script is written from: the model that it trains, and a graph without weights.

    Attributes:
        model: The model as training sees it; the spec's own where that is the same.
        train: The section with the graphs as they are written.
        draws: What the graphs draw at random, as columns of them.
    """

    __slots__ = ("draws", "model", "train")

    def __init__(self, model: Checked, train: Training, draws: list[Drawn]) -> None:
        self.model = model
        self.train = train
        self.draws = draws


def lift(checked: Checked) -> Lifted:
    """The model and the training graphs as a backend writes them.

    Raises:
        BuildError: A graph has weights where no backend can put them yet.
    """
    assert checked.train is not None
    train, draws = with_columns(checked.train)
    calls = [step for phase in train.phases for step in calls_of_models(phase, train.program)]
    heavy = [
        found.step
        for phase in train.phases
        for found in phase.instance.body.steps
        if not calls_model(found.step, train.program) and is_heavy(found)
    ]
    modules = {action_module(step) for step in calls}
    inner = modules - {*checked.program.models}
    if train.is_phased:
        from dslc.emit.lifting_phases import lift_phases

        program, graphs = lift_phases(train)
        if program is train.program:
            return Lifted(checked, train, draws)
        return typed(checked, train, program.replace(train=None), graphs, draws)
    program, (phase,) = train.program, train.phases
    graph = phase.graph
    if checked.program.has_several:
        return lift_several(checked, train, heavy, inner, draws)
    if heavy:
        once = [step.id for step in calls if step.repeat is None and step.when is None]
        if len(calls) == len(once) == 1:
            lifting = Lifting(train, phase, heavy, once[0])
            program, graph, name = lifting.program, lifting.graph, lifting.called
        else:
            program, graph = lift_calls(phase, program, heavy)
            name = program.main
        modules = {name}
    name = next(iter(modules), checked.program.main)
    if name == checked.program.main:
        return Lifted(checked, train, draws)
    program = program.replace(main=name, models=(name,), train=None)
    return typed(checked, train, program, [graph], draws)


def calls_of_models(phase: Phase, program: Program) -> list[Step]:
    """The steps at the top of a graph that call a model."""
    return [step for step in phase.graph.body.steps if calls_model(step, program)]


def lift_several(
    checked: Checked, train: Training, heavy: list[Step], inner: set[str], draws: list[Drawn]
) -> Lifted:
    """The same beside several models, of which the graph may look into one: `inner`."""
    program, (phase,) = train.program, train.phases
    graph = phase.graph
    for name in inner:
        model = name.removesuffix("_").removesuffix(SUFFIX)
        opened = program.modules[name].replace(name=model)
        program = program.replace(modules={**program.modules, model: opened}, chosen=None)
        graph = calling(graph, {name: model})
    if heavy:
        from dslc.emit.lifting_several import HolderLifting

        lifting = HolderLifting(program, graph, heavy)
        program, graph = lifting.program, lifting.graph
    if program is train.program:
        return Lifted(checked, train, draws)
    return typed(checked, train, program.replace(train=None), [graph], draws)


def lift_calls(phase: Phase, program: Program, heavy: list[Step]) -> tuple[Program, Module]:
    """The same where the graph calls a spec's only model several times."""
    from dslc.emit.lifting_calls import opened
    from dslc.emit.lifting_several import HolderLifting

    lifting = HolderLifting(program, phase.graph, heavy)
    calls = {
        found.step.id: iteration.call
        for found in phase.instance.body.steps
        for iteration in found.iterations[:1]
        if iteration is not None and iteration.call is not None
    }
    return opened(lifting.program, program.modules[program.main], calls), lifting.graph


def calling(graph: Module, names: dict[str, str]) -> Module:
    """A graph whose calls bear other names."""

    def change(action: Action) -> Action:
        if isinstance(action, CallModule) and action.module in names:
            return action.replace(module=names[action.module])
        return action

    return graph.replace(body=with_actions(graph.body, change))


def typed(
    checked: Checked, train: Training, program: Program, graphs: list[Module], draws: list[Drawn]
) -> Lifted:
    """The models and the graphs with their types."""
    report = Report()
    model = check_program(checked.source, program, report, Limits())
    if model is not None:
        phases: list[Phase] = []
        for phase, graph in zip(train.phases, graphs, strict=True):
            checker = Instantiator(program, report, Limits(), phase.facts)
            types = tuple(phase.instance.inputs[item.name] for item in graph.inputs)
            instance = checker.instance(graph, {}, types, phase.instance.sizes)
            if instance is not None:
                phases.append(phase.with_graph(graph, instance))
        if len(phases) == len(graphs) and report.ok:
            return Lifted(model, train.with_phases(program, phases), draws)
    first = report.diagnostics[0].message if report.diagnostics else "they do not fit"
    raise BuildError(f"training steps with weights cannot be put behind the model: {first}")


@final
class Lifting:
    """Moves steps of one graph into the model behind which they stand."""

    def __init__(self, train: Training, phase: Phase, heavy: list[Step], called: int) -> None:
        self.train = train
        self.training_graph = phase.graph
        self.steps = {step.id: step for step in phase.graph.body.steps}
        self.call = self.steps[called]
        self.before = self.closure(read_by(self.call), set())
        self.given = {
            Ref(ref.owner, ref.slot, None, ref.index): item.name
            for ref, item in zip(self.call.inputs, self.callee.inputs, strict=True)
            if ref is not None
        }
        early = [step for step in heavy if step.id in self.before]
        if early:
            raise refuse(early[0], "stands before the model, which reads what it gives")
        stop = {ref for ref in self.given if ref.owner != MODULE}
        self.moved = {step.id for step in heavy}
        self.moved |= self.closure([ref for step in heavy for ref in read_by(step)], stop)
        self.moved.discard(self.call.id)
        for number in self.moved:
            self.refuse_gradient(self.steps[number])
        self.columns: dict[str, Input] = {}
        self.outputs: dict[Ref, str] = {}
        module = self.module()
        self.called = module.name
        self.graph = self.rest(module)
        self.program = train.program.replace(modules={**train.program.modules, module.name: module})

    @property
    def callee(self) -> Module:
        """The model that is called."""
        return self.train.program.modules[action_module(self.call)]

    def closure(self, refs: Iterable[Ref], stop: set[Ref]) -> set[int]:
        """The steps that values need; `stop` are values that are there already."""
        found: set[int] = set()
        waiting = list(refs)
        while waiting:
            ref = waiting.pop()
            if ref in stop or ref.owner not in self.steps or ref.owner in found:
                continue
            found.add(ref.owner)
            if not hasattr(self, "call") or ref.owner != self.call.id:
                waiting += read_by(self.steps[ref.owner])
        return found

    def refuse_gradient(self, step: Step) -> None:
        """Refuses a gradient that a step with weights reads."""
        if is_gradient(step):
            raise refuse(step, "is read by a step with weights, which no backend writes yet")

    def module(self) -> Module:
        """The model with the moved steps behind it."""
        base = self.callee
        program = self.train.program
        outputs = dict(base.outputs)
        mapping = {Ref(self.call.id, slot): ref for slot, ref in outputs.items()}
        mapping[Ref(self.call.id, "")] = base.outputs[0][1]
        mapping |= {ref: Ref(MODULE, name) for ref, name in self.given.items()}
        steps = tuple(step for number, step in self.steps.items() if number in self.moved)
        for step in steps:
            for ref in read_by(step):
                if ref.owner == MODULE and ref not in mapping:
                    mapping[Ref(MODULE, ref.slot)] = Ref(MODULE, self.column(ref.slot))
        moved = renamed(Body(steps, base.body.result), mapping)
        outputs = {name: ref for name, ref in outputs.items() if self.is_kept(name)}
        for ref in self.read_outside():
            self.outputs[ref] = self.output_name(ref, outputs)
            outputs[self.outputs[ref]] = ref
        return base.replace(
            name=base.name if base.name != program.main else name_in_training(program, base.name),
            inputs=(*base.inputs, *self.columns.values()),
            where=tuple(dict.fromkeys((*base.where, *self.training_graph.where))),
            body=Body((*base.body.steps, *moved.steps), base.body.result),
            outputs=tuple(outputs.items()),
        )

    def is_kept(self, name: str) -> bool:
        """Whether the new model gives an output: the model does, or the rest of the graph reads it."""
        own = dict(self.train.program.modules[self.train.program.main].outputs)
        return name in own or Ref(self.call.id, name) in self.read_by_rest()

    def read_by_rest(self) -> dict[Ref, None]:
        """The values that the graph that is left reads, each once, in order."""
        rest = [step for number, step in self.steps.items() if self.stays(number)]
        refs = [ref for step in rest for ref in read_by(step)]
        return dict.fromkeys([*refs, *(ref for _, ref in self.training_graph.outputs)])

    def column(self, name: str) -> str:
        """The input of the new model that a column comes in by."""
        taken = {item.name for item in self.callee.inputs}
        own = f"{name}_" if name in taken else name
        declared = next(item for item in self.training_graph.inputs if item.name == name)
        self.columns[name] = declared.replace(name=own)
        return own

    def read_outside(self) -> list[Ref]:
        """The values of moved steps that the rest of the graph reads."""
        return [
            ref
            for ref in self.read_by_rest()
            if ref.owner in self.moved and not self.stays(ref.owner)
        ]

    def stays(self, number: int) -> bool:
        """Whether a step is in the graph that is left: all but those that only moved ones need."""
        return number not in self.moved or number in self.before

    def output_name(self, ref: Ref, taken: Iterable[str]) -> str:
        """A name for a value that the new model gives."""
        step = self.steps[ref.owner]
        if ref.index == EVERY:
            raise refuse(step, "gives the values of all its instances to a step without weights")
        name = "_".join(part for part in (step.name or step.label, ref.slot) if part)
        name = name.replace(".", "_") or "value"
        while name in taken:
            name += "_"
        return name

    def rest(self, module: Module) -> Module:
        """The graph that is left: what the call needs, the call, and what reads its values."""
        graph = self.training_graph
        columns = tuple(Ref(MODULE, name, item.span) for name, item in self.columns.items())
        call = self.call.replace(
            action=CallModule(module.name, {}), inputs=(*self.call.inputs, *columns)
        )
        first = [step for number, step in self.steps.items() if number in self.before]
        later = [
            step
            for number, step in self.steps.items()
            if self.stays(number) and number not in self.before and number != call.id
        ]
        mapping = {ref: Ref(call.id, name) for ref, name in self.outputs.items()}
        body = renamed(Body((*first, call, *later), graph.body.result), mapping)
        outputs = tuple((name, swapped(ref, mapping)) for name, ref in graph.outputs)
        return graph.replace(body=body, outputs=outputs)


def swapped(ref: Ref, mapping: dict[Ref, Ref]) -> Ref:
    """A reference as a mapping has it, at its own place."""
    found = mapping.get(ref, ref)
    return Ref(found.owner, found.slot, ref.span, found.index)


def refuse(step: Step, reason: str) -> BuildError:
    """The error for a step that no backend writes yet."""
    called = step.name or step.label or "a structure"
    return BuildError(f"the training step `{called}` {reason}", step.span)


def calls_model(step: Step, program: Program) -> bool:
    """Whether a step calls a model."""
    action = step.action
    return isinstance(action, CallModule) and program.modules[action.module].is_model


def action_module(step: Step) -> str:
    """The module that a step calls."""
    assert isinstance(step.action, CallModule)
    return step.action.module


def is_heavy(found: StepInstance) -> bool:
    """Whether a step owns weights, draws at random or calls a block, itself or inside."""
    for iteration in found.iterations:
        if iteration is None:
            continue
        types = tuple(type for type in iteration.inputs if type is not None)
        op = iteration.op
        if iteration.call is not None or (op is not None and (op.chance or op.weights(*types))):
            return True
        if any(is_heavy(inner) for body in iteration.bodies for inner in body.steps):
            return True
    return False


def read_by(step: Step) -> list[Ref]:
    """Every value from outside that a step reads, itself or inside."""
    own = {inner.id for inner in all_steps(Body((step,), Ref(MODULE, "")))}
    found: list[Ref] = []
    for inner in all_steps(Body((step,), Ref(MODULE, ""))):
        found += [ref for ref in inner.inputs if ref is not None]
        found += [body.result for body in regions(inner.action)]
    return [ref for ref in found if ref.owner not in own]
