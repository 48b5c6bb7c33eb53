"""Steps whose op a param names: the op in each instance, and then a program of plain ops.

While instances are typed, each run of such a step takes the op that the param names there. Once all
of them are known, a block becomes one module for each set of ops that its calls bring, so that what
follows sees plain ops alone. Where one step of a loop brings several, the block stays one module, in
which each op stands under a condition on the word.
"""

from __future__ import annotations

from dslc.diagnostics import Report
from dslc.ir.choices import refusal
from dslc.ir.graph import (
    REGION_INPUT,
    ApplyOp,
    Body,
    CallModule,
    ChooseOp,
    Group,
    Ref,
    Reuse,
    plain_step,
)
from dslc.ir.walk import all_steps, with_regions
from dslc.ops import find
from dslc.ops.base import Op
from dslc.passes.values import Failed
from dslc.syntax.expressions import Compare, Literal, free_names
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.ir.graph import Module, Step
    from dslc.ir.instance import BodyInstance, Instance
    from dslc.limits import Limits
    from dslc.passes.binding import Binder
    from dslc.passes.pipeline import Checked
    from dslc.train.training import Phase, Training


def settled(binder: Binder, step: Step, environment: dict[str, object]) -> Step:
    """A step with the op that its word names in one run; raises `Failed` where it names none."""
    action = step.action
    if isinstance(action, Reuse) and isinstance(action.step.action, ChooseOp):
        target = settled(binder, action.step.replace(inputs=step.inputs), environment)
        return step.replace(action=Reuse(target), inputs=target.inputs)
    if not isinstance(action, ChooseOp):
        return step
    word = binder.evaluate(action.word, environment)
    problem = refusal(action.choices.key.text, word)
    if problem is not None:
        binder.error("E0520", action.word.span, problem[0], help=problem[1])
        raise Failed
    found, problems = action.choices.step(step, str(word))
    for item in problems:
        labels = [(label.span, label.message) for label in item.labels]
        binder.error(
            item.code, item.span, item.message, help=item.help, labels=labels, fix=item.fix
        )
    if found is None:
        raise Failed
    if action.is_certain and isinstance(found.action, ApplyOp):
        op = found.action.op
        never = {name: Literal(op.settled.get(name, 0.0), step.span) for name in op.chance}
        attributes = {**found.action.attributes, **never}
        found = found.replace(action=found.action.replace(attributes=attributes))
    return found


def concrete(checked: Checked, report: Report, limits: Limits) -> Checked | None:
    """A checked spec whose steps are plain ops; None after an error, which is reported."""
    train = checked.train
    modules = dict(checked.program.modules)
    roots = [checked.instance, *(part.instance for part in checked.parts.values())]
    if train is not None:
        graphs = {phase.graph.name: phase.graph for phase in train.phases}
        modules = {**train.program.modules, **modules, **graphs}
        roots += [phase.instance for phase in train.phases]
    choosing = Choosing(modules, roots, report)
    made = choosing.modules()
    if not report.ok:
        return None
    if train is not None:
        graphs = [made.pop(phase.graph.name) for phase in train.phases]
        train = retyped(train, made, graphs, limits)
    own = {name: made[name] for name in choosing.made_of(checked.program.modules)}
    return rechecked(checked, own, train, limits)


def retyped(
    train: Training, modules: Mapping[str, Module], graphs: list[Module], limits: Limits
) -> Training:
    """A training section with other modules that compute the same."""
    from dslc.passes.instantiate import Instantiator

    program = train.program.replace(modules=modules)
    phases: list[Phase] = []
    for phase, graph in zip(train.phases, graphs, strict=True):
        typer = Instantiator(program, Report(), limits, phase.facts)
        types = tuple(phase.instance.inputs.values())
        instance = typer.instance(graph, {}, types, phase.instance.sizes)
        assert instance is not None, "its ops were typed before"
        phases.append(phase.with_graph(graph, instance))
    return train.with_phases(program, phases)


def rechecked(
    checked: Checked, modules: Mapping[str, Module], train: Training | None, limits: Limits
) -> Checked:
    """A spec with other modules that compute the same."""
    from dslc.passes.pipeline import Checked as Again
    from dslc.passes.pipeline import Part, type_model
    from dslc.passes.several import check_models

    program = checked.program.replace(modules=modules)
    typed = type_model(program, Report(), limits)
    assert typed is not None
    checker, instance = typed
    assert instance is not None, "its ops were typed before"
    parts = {program.main: Part(instance, checker.facts)}
    if program.has_several:
        parts = check_models(program, Report(), limits)
    facts, report = checker.facts, checked.report
    source, constraints = checked.source, checked.constraints
    found = Again(source, program, instance, facts, constraints, report, parts, train)
    found.written = checked.program
    return found


@final
class Choosing:
    """Turns steps whose ops are known in every instance into plain ones.

    Attributes:
        forms: A number for the form of each instance, by its identity: which ops its steps have,
            and which forms the modules that it calls. The plain form is 0.
        parts: The instances of each module by the form for which they are one module.
    """

    def __init__(
        self, modules: Mapping[str, Module], roots: list[Instance], report: Report
    ) -> None:
        self.given = modules
        self.report = report
        self.last_id = max(step.id for m in modules.values() for step in all_steps(m.body))
        self.forms: dict[int, int] = {}
        self.numbers: dict[object, int] = {}
        self.instances: dict[str, list[Instance]] = {}
        for root in roots:
            self.visit(root)
        self.same: dict[int, int] = {}
        self.parts: dict[str, dict[int, list[Instance]]] = {}
        for name in callers_first(self.instances):
            self.divide(name)
        self.names = self.chosen_names()

    def visit(self, instance: Instance) -> None:
        """Finds the form of an instance, those of what it calls first."""
        if id(instance) in self.forms:
            return
        calls: set[tuple[int, int]] = set()
        for step, callee in calls_of(instance.body):
            self.visit(callee)
            calls.add((step, self.forms[id(callee)]))
        ops = tuple((step, *words) for step, words in ops_of(instance.body).items())
        inner = tuple(sorted(call for call in calls if call[1]))
        key = (instance.module.name, ops, inner) if ops or inner else None
        self.forms[id(instance)] = (
            0 if key is None else self.numbers.setdefault(key, len(self.numbers) + 1)
        )
        self.instances.setdefault(instance.module.name, []).append(instance)

    def form(self, instance: Instance) -> int:
        """The form of an instance, the first of those that are one module with it."""
        return self.joined(self.forms[id(instance)])

    def joined(self, number: int) -> int:
        """The first of the forms that are one module with a form."""
        while number in self.same:
            number = self.same[number]
        return number

    def divide(self, name: str) -> None:
        """Divides the instances of a module, and joins the forms that one step of theirs calls."""
        parts = self.parts[name] = {}
        for instance in self.instances[name]:
            parts.setdefault(self.form(instance), []).append(instance)
        for instances in parts.values():
            first: dict[int, int] = {}
            for instance in instances:
                for step, callee in calls_of(instance.body):
                    number = self.form(callee)
                    kept = self.joined(first.setdefault(step, number))
                    if kept != number:
                        self.same[number] = kept

    def chosen_names(self) -> dict[tuple[str, int], str]:
        """A name for each part: the module's own for the first, with the words behind for others."""
        found: dict[tuple[str, int], str] = {}
        taken = {*self.given}
        for name, parts in self.parts.items():
            first = next(iter(parts.values()))[0]
            for place, (form, instances) in enumerate(parts.items()):
                new = name if place == 0 else name + difference(instances[0], first)
                plain, number = new, 2
                while place and new in taken:
                    new, number = f"{plain}{number}", number + 1
                taken.add(new)
                found[name, form] = new
        return found

    def modules(self) -> dict[str, Module]:
        """The modules of plain ops that the instances need, in the order of those given."""
        found: dict[str, Module] = {}
        for name, module in self.given.items():
            for form, instances in self.parts.get(name, {}).items():
                new = self.names[name, form]
                body = Chosen(self, instances).body(module.body)
                found[new] = module.replace(name=new, body=body)
            if name not in self.parts:
                found[name] = module.replace(body=Chosen(self, []).body(module.body))
        return found

    def made_of(self, modules: Mapping[str, Module]) -> list[str]:
        """The names of what some modules become."""
        made = [new for (name, _), new in self.names.items() if name in modules]
        return [*made, *(name for name in modules if name not in self.parts)]


@final
class Chosen:
    """One module to be: what each step is in all its instances."""

    def __init__(self, choosing: Choosing, instances: list[Instance]) -> None:
        self.choosing = choosing
        self.ops: dict[int, dict[str, None]] = {}
        self.calls: dict[int, str] = {}
        self.absent: set[int] = set()
        for instance in instances:
            self.absent |= absent_in(instance.body)
            for step, words in ops_of(instance.body).items():
                self.ops.setdefault(step, {}).update(words)
            for step, callee in calls_of(instance.body):
                key = (callee.module.name, choosing.form(callee))
                self.calls[step] = choosing.names[key]

    def body(self, body: Body) -> Body:
        """A body of plain ops."""
        return body.replace(steps=tuple(self.step(step) for step in body.steps))

    def step(self, step: Step) -> Step:
        """A step with a plain op, or the call of a module of plain ops."""
        action = step.action
        if isinstance(action, ChooseOp):
            return self.op(step, action)
        if isinstance(action, Reuse):
            again = action.step.replace(inputs=step.inputs)
            inputs = self.step(again).inputs
            return step.replace(action=Reuse(self.step(action.step)), inputs=inputs)
        if isinstance(action, CallModule):
            called = self.calls.get(step.id, action.module)
            return step.replace(action=action.replace(module=called))
        return step.replace(action=with_regions(action, self.body))

    def op(self, step: Step, action: ChooseOp) -> Step:
        """A step with its op; with several, one under a condition for each."""
        words = list(self.ops.get(step.id, ()))
        if not words:
            return never(step)
        found = [action.choices.step(step, word)[0] for word in words]
        steps = [made for made in found if made is not None]
        if len(steps) == 1:
            return steps[0].replace(when=None) if self.is_decided(step, action) else steps[0]
        kinds = [made.action.op for made in steps if isinstance(made.action, ApplyOp)]
        if any(kind.weights is not Op.weights or kind.outputs for kind in kinds):
            self.refuse(step, action, words)
        label = step.label if step.repeat is not None else ""  # a scope that nothing is in
        group = Group(self.cases(steps, action, words))
        return step.replace(action=group, label=label, init={}, tie={})

    def is_decided(self, step: Step, action: ChooseOp) -> bool:
        """Whether a step's condition is on the op's word alone, and holds for this op."""
        names = frozenset[str]() if step.when is None else free_names(step.when)
        return step.id not in self.absent and names == free_names(action.word)

    def refuse(self, step: Step, action: ChooseOp, words: list[str]) -> None:
        """Reports an op with weights that is another one in other rounds of a loop."""
        shown = " and ".join(f"`{word}`" for word in words)
        message = f"`{action.choices.key.text}` is {shown} in one loop, and these have weights"
        help = "write a step for each, with a name and a `when`"
        self.choosing.report.error("E0522", step.span, message, help=help)

    def cases(self, steps: list[Step], action: ChooseOp, words: list[str]) -> Body:
        """One step for each op, of which all but one are absent."""
        found: list[Step] = []
        first = Ref(steps[0].id, REGION_INPUT, steps[0].span)
        for made, word in zip(steps, words, strict=True):
            self.choosing.last_id += 1
            number = self.choosing.last_id
            given = Ref(found[-1].id, "", made.span) if found else first
            case = plain_step(number, word, made.action, (given, *made.inputs[1:]), made.span)
            test = Compare(action.word, ("==",), (Literal(word, made.span),), made.span)
            found.append(case.replace(when=test, init=made.init))
        return Body(tuple(found), Ref(found[-1].id, "", steps[0].span))


def never(step: Step) -> Step:
    """A step that no instance has: it stands for its first input, whatever it would do."""
    from dslc.ops.select import Identity

    return step.replace(action=ApplyOp(Identity, {}), inputs=step.inputs[:1], init={}, tie={})


def ops_of(body: BodyInstance) -> dict[int, dict[str, None]]:
    """The ops that each step whose op a param names has in one instance."""
    found: dict[int, dict[str, None]] = {}
    for step in body.steps:
        action = step.step.action
        number = step.step.id
        if isinstance(action, Reuse):
            number, action = action.step.id, action.step.action
        for iteration in step.iterations:
            if iteration is None:
                continue
            if isinstance(action, ChooseOp) and iteration.op is not None:
                found.setdefault(number, {})[iteration.op.name] = None
            for inner in iteration.bodies:
                for other, words in ops_of(inner).items():
                    found.setdefault(other, {}).update(words)
    return found


def absent_in(body: BodyInstance) -> set[int]:
    """The steps that are absent in some round of one instance."""
    found: set[int] = set()
    for step in body.steps:
        for iteration in step.iterations:
            if iteration is None:
                found.add(step.step.id)
            for inner in iteration.bodies if iteration is not None else ():
                found |= absent_in(inner)
    return found


def calls_of(body: BodyInstance) -> Iterator[tuple[int, Instance]]:
    """What each step of one instance calls."""
    for step in body.steps:
        for iteration in step.iterations:
            if iteration is not None and iteration.call is not None:
                yield step.step.id, iteration.call
            for inner in iteration.bodies if iteration is not None else ():
                yield from calls_of(inner)


def callers_first(instances: Mapping[str, list[Instance]]) -> list[str]:
    """The modules, each before those that it calls."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in done:
            return
        for instance in instances[name]:
            for _, callee in calls_of(instance.body):
                visit(callee.module.name)
        done[name] = None

    for name in instances:
        visit(name)
    return list(reversed(done))


def difference(instance: Instance, first: Instance) -> str:
    """What tells the ops of an instance from those of the first one, as the end of a class's name."""
    words = [
        value
        for name, value in instance.arguments.items()
        if isinstance(value, str) and value != first.arguments.get(name) and find(value)
    ]
    return "".join(part[:1].upper() + part[1:] for word in words for part in word.split("_"))
