"""What is right and probably not meant: doubts about steps, once everything has its type."""

from __future__ import annotations

from dslc.diagnostics import Report
from dslc.ir.facts import Facts
from dslc.ir.graph import CallModule, Parallel, Reuse
from dslc.ir.walk import all_steps, regions
from dslc.passes.weights import sites
from dslc.syntax.expressions import free_names
from dslc.syntax.tree import Mapping, Scalar
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.ir.graph import Action, Body, Module, Program, Ref, Step
    from dslc.ir.instance import Instance, Iteration
    from dslc.ops.base import Op
    from dslc.passes.pipeline import Checked, Part
    from dslc.source import Span

SHARES = ("softmax", "log_softmax", "sigmoid")
"""Activations whose values are no logits."""


def warn_doubts(checked: Checked, report: Report) -> None:
    """Warns about steps that do nothing, or not what their author thinks."""
    program = checked.program
    rounds = rounds_by_step(checked.instance)
    phases = () if checked.train is None else checked.train.phases
    for phase in phases:
        for key, runs in rounds_by_step(phase.instance).items():
            rounds.setdefault(key, runs)
    found: dict[Span, list[Report]] = {}
    for module in program.modules.values():
        if module.span.file == program.path:
            found.setdefault(module.span, []).append(doubts_about(module, program, rounds))
    for first, *others in found.values():  # one block may have become several modules
        spoken = [{(item.code, item.span) for item in other.diagnostics} for other in others]
        for item in first.diagnostics:
            if all((item.code, item.span) in other for other in spoken):
                report.add(item)
    for phase in phases:
        steps = {step.id: step for step in all_steps(phase.graph.body)}
        ops = {key: op_of(rounds.get((phase.graph.name, key), [])) for key in steps}
        warn_softmax(steps, {key: op for key, op in ops.items() if op is not None}, report)
    warn_loss(checked, report)
    for part in checked.parts.values():
        warn_facts(part, report)


def doubts_about(module: Module, program: Program, rounds: Rounds) -> Report:
    """What is doubtful in one module."""
    report = Report()
    steps = {step.id: step for step in all_steps(module.body)}
    ops = {
        identifier: op
        for identifier in steps
        if (op := op_of(rounds.get((module.name, identifier), []))) is not None
    }
    warn_biases(steps, ops, report)
    warn_softmax(steps, ops, report)
    warn_branches(module, program, rounds, report)
    warn_numbers(module, with_weights(module, rounds), report)
    if module.is_model:
        warn_ends(module, steps, ops, report)
    return report


Rounds = dict[tuple[str, int], list["Iteration | None"]]


def rounds_by_step(main: Instance) -> Rounds:
    """What every step did in every instance, by its module's name and its number."""
    found: Rounds = {}
    seen: set[int] = set()
    waiting = [main]
    while waiting:
        instance = waiting.pop()
        if id(instance) in seen:
            continue
        seen.add(id(instance))
        bodies = [instance.body]
        while bodies:
            for step in bodies.pop().steps:
                key = instance.module.name, step.step.id
                found.setdefault(key, []).extend(step.iterations or (None,))
                for iteration in dict.fromkeys(step.iterations):
                    if iteration is None:
                        continue
                    bodies += iteration.bodies
                    if iteration.call is not None:
                        waiting.append(iteration.call)
    return found


def op_of(rounds: list[Iteration | None]) -> Op | None:
    """The op that a step applies, where it applies one."""
    return next((item.op for item in rounds if item is not None and item.op is not None), None)


def warn_biases(steps: dict[int, Step], ops: dict[int, Op], report: Report) -> None:
    """Warns about a bias that the batch norm behind it takes out again."""
    readers: dict[int, int] = {}
    for step in steps.values():
        for ref in step.inputs:
            if ref is not None:
                readers[ref.owner] = readers.get(ref.owner, 0) + 1
    for identifier, op in ops.items():
        ref = steps[identifier].inputs[0] if steps[identifier].inputs else None
        if op.name != "batch_norm" or ref is None or ref.owner not in ops:
            continue
        before, step = ops[ref.owner], steps[ref.owner]
        if before.values.get("bias") is True and readers[ref.owner] == 1 and step.repeat is None:
            message = f"the bias of `{step.name or step.label}` is undone by the batch norm behind"
            help = "write `bias: false` there: the batch norm has a bias of its own"
            report.warning("W0106", step.span, message, help=help)


def warn_softmax(steps: dict[int, Step], ops: dict[int, Op], report: Report) -> None:
    """Warns about a cross-entropy that takes logits and is given a softmax."""
    for identifier, op in ops.items():
        ref = steps[identifier].inputs[0] if steps[identifier].inputs else None
        if op.name == "cross_entropy" and ref is not None and ref.owner in ops:
            _warn_shares(steps[ref.owner], ops[ref.owner], report)


def _warn_shares(step: Step, op: Op, report: Report) -> None:
    if op.name in SHARES:
        message = (
            f"`cross_entropy` takes logits and applies a softmax itself, after this `{op.name}`"
        )
        report.warning("W0108", step.span, message, help=f"take the `{op.name}` out")


def warn_loss(checked: Checked, report: Report) -> None:
    """The same for the short form of the loss, which takes the model's only output."""
    train = checked.program.train
    loss = train.get("loss") if isinstance(train, Mapping) else None
    program = checked.program
    name = program.chosen if program.has_several else program.main
    if name is None:
        return
    module, instance = program.modules[name], checked.parts[name].instance
    if isinstance(loss, Scalar) and loss.text == "cross_entropy" and len(module.outputs) == 1:
        step, op = producer(module, instance, module.outputs[0][1])
        if step is not None and op is not None:
            _warn_shares(step, op, report)


def producer(module: Module, instance: Instance, ref: Ref) -> tuple[Step | None, Op | None]:
    """The step behind a reference and the op that it applies."""
    step = next((item for item in all_steps(module.body) if item.id == ref.owner), None)
    if step is None:
        return None, None
    return step, op_of(rounds_by_step(instance).get((module.name, step.id), []))


def warn_ends(module: Module, steps: dict[int, Step], ops: dict[int, Op], report: Report) -> None:
    """Warns about a dropout that no step follows."""
    for _, ref in module.outputs:
        op = ops.get(ref.owner)
        if op is not None and op.family == "regulariser":
            step = steps[ref.owner]
            message = f"this `{op.name}` is the last step before an output"
            help = "it blanks parts of the result in training; put it before the last layer"
            report.warning("W0107", step.span, message, help=help)


def warn_branches(module: Module, program: Program, rounds: Rounds, report: Report) -> None:
    """Warns about a `when` that is false in every call, unless a file's param switches it."""
    switches = {param.name for param in program.params} | switched(module, program)
    for step in all_steps(module.body):
        if step.when is None or free_names(step.when) & switches:
            continue
        found = rounds.get((module.name, step.id), [])
        if found and all(iteration is None for iteration in found):
            message = "this condition is never true, so the step is never there"
            help = "take the step out, or mend its condition"
            report.warning("W0110", step.when.span, message, help=help)


def switched(module: Module, program: Program) -> set[str]:
    """The params of a module whose value a param of the file decides."""
    files = {param.name for param in program.params}
    known: dict[str, set[str]] = {name: set() for name in program.modules}
    changed = True
    while changed:
        changed = False
        for caller in program.modules.values():
            loose = files | known[caller.name]
            for step in all_steps(caller.body):
                if not isinstance(step.action, CallModule):
                    continue
                if step.repeat is not None and step.repeat.over is not None:
                    over = free_names(step.repeat.over) & loose
                    loose |= set(step.repeat.names) if over else set()
                for name, value in step.action.arguments.items():
                    inner = known.get(step.action.module, set())
                    if name not in inner and free_names(value) & loose:
                        inner.add(name)
                        changed = True
    return known[module.name]


def warn_numbers(module: Module, heavy: frozenset[int], report: Report) -> None:
    """Warns about unnamed steps with weights of one kind: their paths count them in order."""
    for scope in scopes_of(module.body):
        kinds: dict[str, list[Step]] = {}
        for step in scope:
            if step.name is None and step.id in heavy and not isinstance(step.action, Reuse):
                kinds.setdefault(word_of(step.label), []).append(step)
        for word, found in kinds.items():
            if len(found) > 1:
                labels = [f"`{step.label}`" for step in found]
                labels[2:-1] = ["…"] if len(labels) > 4 else labels[2:-1]
                shown = f"{', '.join(labels[:-1])} and {labels[-1]}"
                message = f"{len(found)} unnamed steps with weights are `{word}`: {shown}"
                help = f"give each a `name`: another `{word}` above would rename their weights"
                report.warning("W0109", found[1].span, message, help=help)


def word_of(label: str) -> str:
    """A label without its number."""
    word, _, number = label.rpartition("_")
    return word if word and number.isdecimal() else label


def scopes_of(body: Body) -> Iterator[list[Step]]:
    """The steps of each scope of weight paths, this one first."""
    own: list[Step] = []
    inner: list[Body] = []
    waiting = list(reversed(body.steps))
    while waiting:
        step = waiting.pop()
        own.append(step)
        is_scope = bool(step.label)
        for label, region in labelled_regions(step.action):
            if is_scope or label:
                inner.append(region)
            else:
                waiting += reversed(region.steps)
    yield own
    for other in inner:
        yield from scopes_of(other)


def labelled_regions(action: Action) -> list[tuple[str, Body]]:
    """The regions of an action, each with what it adds to paths."""
    if isinstance(action, Parallel):
        return list(action.branches)
    return [("", region) for region in regions(action)]


def with_weights(module: Module, rounds: Rounds) -> frozenset[int]:
    """The steps of a module that own weights: ops, and calls of blocks in which there are some."""
    known: dict[int, bool] = {}

    def has(call: Instance) -> bool:
        if id(call) not in known:
            known[id(call)] = any(owns(site.iteration) for site in sites(call))
        return known[id(call)]

    def carries(run: Iteration | None) -> bool:
        if run is None or run.call is None:
            return run is not None and owns(run)
        return not run.call.module.is_model and has(run.call)

    steps = (step.id for step in all_steps(module.body))
    return frozenset(key for key in steps if any(map(carries, rounds.get((module.name, key), []))))


def owns(run: Iteration) -> bool:
    """Whether one run of an op has weights."""
    types = tuple(type for type in run.inputs if type is not None)
    return run.op is not None and bool(run.op.weights(*types))


def warn_facts(part: Part, report: Report) -> None:
    """Warns about a fact of a model that holds anyway, or follows from the others."""
    where = part.instance.module.where
    if len(part.facts.constraints) != len(where):
        return
    for position, fact in enumerate(where):
        constraints = list(part.facts.constraints)
        claim = constraints.pop(position)
        if not claim.may_be_zero() and Facts(constraints).proves(claim.op, claim.left, claim.right):
            others = "follows from the others" if constraints else "holds for every size"
            help = "take it out: it says nothing"
            report.warning("W0111", fact.span, f"this fact {others}", help=help)
