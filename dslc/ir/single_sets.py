"""A model has one set of weights: so has an imported one, wherever it is called.

A model of an imported file is called like a block, for it may take params. Its weights lie under its
own name in snake_case: its first call bears that name, and further ones in the same module, with the
same arguments, run that one again. Calls that would have weights of their own are reported.
"""

from __future__ import annotations

from dslc.diagnostics import Label
from dslc.ir.graph import CallModule, Reuse
from dslc.ir.reading import home_of
from dslc.ir.reserved_names import reserved_by
from dslc.ir.walk import all_steps, regions, with_regions
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.diagnostics import Report
    from dslc.ir.graph import Body, Module, Program, Step


def with_single_sets(program: Program, report: Report) -> Program:
    """The program in which each imported model has one set of weights; reports what would have more.

    Args:
        program: The modules that the main file reaches, under their identifiers.
        report: Takes what is wrong.
    """
    if not any(module.once for module in program.modules.values()):
        return program
    modules = {
        name: module.replace(body=SingleSets(program.modules, module, report).body(module.body))
        for name, module in program.modules.items()
    }
    program = program.replace(modules=modules)
    refuse_second_sets(program, report)
    return program


@final
class SingleSets:
    """Gives the calls of imported models in one module one set of weights each."""

    def __init__(self, modules: Mapping[str, Module], module: Module, report: Report) -> None:
        self.modules = modules
        self.report = report
        self.labels = {
            step.label: step
            for step in all_steps(module.body)
            if not (isinstance(step.action, CallModule) and modules[step.action.module].once)
        }
        self.first: dict[str, Step] = {}
        self.done: dict[int, Step] = {}

    def body(self, body: Body) -> Body:
        """The steps of a body."""
        return body.replace(steps=tuple(self.step(step) for step in body.steps))

    def step(self, step: Step) -> Step:
        """One step with what is inside it."""
        self.done[step.id] = self.changed(step)
        return self.done[step.id]

    def changed(self, step: Step) -> Step:
        """One step; the call of an imported model under that model's name, or again."""
        action = step.action
        if isinstance(action, Reuse):
            target = self.done.get(action.step.id, action.step)
            return step.replace(action=Reuse(target), label=target.label)
        if not isinstance(action, CallModule) or not self.modules[action.module].once:
            return step.replace(action=with_regions(action, self.body))
        first = self.first.get(action.module)
        if first is None:
            return self.named(step, action.module)
        assert isinstance(first.action, CallModule)
        alike = action.arguments == first.action.arguments and step.when == first.when
        if not alike or step.repeat is not None or first.repeat is not None:
            refuse(plain_name(action.module), [("", first), ("", step)], self.report)
        return step.replace(action=Reuse(first), label=first.label, freeze=first.freeze)

    def named(self, step: Step, module: str) -> Step:
        """The first call of a model: its rounds share the weights, which bear the model's name."""
        home = home_of(plain_name(module))
        self.refuse_label(step, home)
        repeat = None if step.repeat is None else step.repeat.replace(share=True)
        self.first[module] = step.replace(name=step.name or home, label=home, repeat=repeat)
        return self.first[module]

    def refuse_label(self, step: Step, home: str) -> None:
        """Reports a name that something else has already."""
        other, owner = self.labels.get(home), reserved_by(home)
        if other is not None:
            message = f"`{home}` is where the weights of this model are"
            labels = [Label(other.span, "and of this step")]
            help = "give that step another name"
            self.report.error("E0403", step.span, message, labels=labels, help=help)
        elif owner is not None:
            message = f"the weights of this model would be at `{home}`: {owner} owns the name"
            help = "give the model another name in its file"
            self.report.error("E0410", step.span, message, help=help)


def refuse_second_sets(program: Program, report: Report) -> None:
    """Reports each imported model that would have several sets of weights."""
    modules = program.modules
    calls: dict[str, list[tuple[str, Step, bool]]] = {}
    for name, module in modules.items():
        for step, many in calls_in(module.body, many=False):
            assert isinstance(step.action, CallModule)
            calls.setdefault(step.action.module, []).append((name, step, many))
    counts = {name: int(module.is_model) for name, module in modules.items() if module.is_model}

    def count(name: str) -> int:
        """How often a module has weights: never, once, or several times (2)."""
        if name not in counts:
            counts[name] = 0  # blocks that call each other have been reported
            found = (count(at) * (2 if many else 1) for at, _, many in calls.get(name, ()))
            counts[name] = min(2, sum(found))
        return counts[name]

    for name, module in modules.items():
        if module.once and count(name) > 1:
            used = [(at, step) for at, step, _ in calls[name] if count(at)]
            refuse(plain_name(name), used, report, many=any(many for *_, many in calls[name]))


def calls_in(body: Body, *, many: bool) -> Iterator[tuple[Step, bool]]:
    """The calls in a body, each with whether it has weights for each of several rounds."""
    for step in body.steps:
        repeats = many or (step.repeat is not None and not step.repeat.share)
        if isinstance(step.action, CallModule):
            yield step, repeats
        for inner in regions(step.action):
            yield from calls_in(inner, many=repeats)


def plain_name(identifier: str) -> str:
    """A model's name without its file."""
    return identifier.rpartition(":")[2]


def refuse(name: str, calls: list[tuple[str, Step]], report: Report, *, many: bool = False) -> None:
    """Reports a model at the call that makes a second set of it."""
    (block, first), *others = calls
    message = f"`{name}` is a model of another spec, which has one set of weights"
    help = "call it where all can read its value, or import its blocks"
    labels: list[Label] = []
    at = first
    if others:
        at = others[0][1]
        message += "; this call would have another"
        labels = [Label(first.span, "the first call")]
        if not others[0][0]:
            help = (
                "calls in one place take the same params, and neither repeat nor differ in `when`"
            )
    elif many:
        message += "; this is in what repeats"
        help = "add `share: true` there, or import its blocks"
    else:
        message += f"; `{block}`, which calls it, is called several times"
        help = "call the model once and hand its value to the block, or import its blocks"
    report.error("E1010", at.span, message, help=help, labels=labels)
