"""What phases update against what they compute: each model is moved by a loss that depends on it."""

from __future__ import annotations

from dslc.ir.graph import ApplyOp, Body, CallModule, Ref
from dslc.ir.types import FLOATS
from dslc.ir.walk import all_steps
from dslc.passes.weights import call_path, iteration_path, sites, step_sites
from dslc.train.gradient import reads
from dslc.train.training import is_below
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from dslc.diagnostics import Report
    from dslc.ir.graph import Program, Step
    from dslc.ir.instance import BodyInstance, StepInstance
    from dslc.source import Span
    from dslc.train.phases import PhaseSection
    from dslc.train.training import Phase, Training

Homes = frozenset[str | None]


def check_updates(training: Training, sections: Sequence[PhaseSection], report: Report) -> None:
    """Reports a model that a phase cannot train, and one that training calls and nothing trains.

    Args:
        training: The section with its types.
        sections: The phases as they stand in the spec.
        report: Takes what is found.
    """
    program = training.program
    for section, phase in zip(sections, training.phases, strict=True):
        reached = homes_behind_loss(program, phase)
        for name, span in section.update.items():
            home = program.modules[name].home
            if not has_trained(training, home):
                message = f"`{name}` has no weights that are trained"
                report.error("E0822", span, message, help="take it out of `update`")
            elif home not in reached:
                message = f"the loss does not depend on `{name}`, which this phase updates"
                help = "call it on the way to the loss; no gradient passes a `stop_gradient`"
                report.error("E0822", span, message, help=help)
        first = [info for info in training.updated(phase) if not training.thaws_at(info.path)]
        if training.updated(phase) and not first:
            message = f"all weights that `{phase.name}` moves are frozen in the first epoch"
            help = "let some of them move from the start"
            report.error("E0827", section.span, message, help=help)
    updated = {program.modules[name].home for phase in training.phases for name in phase.update}
    for phase in training.phases:
        for step, home in calls(program, phase.graph.body):
            if home not in updated and has_trained(training, home):
                name = next(n for n in program.models if program.modules[n].home == home)
                message = f"no phase updates `{name}`, which training calls"
                help = "name it in the `update` of a phase, or write `freeze: true` at its steps"
                report.error("E0823", step.span, message, help=help)
                updated.add(home)


def check_reached(training: Training, span: Span, report: Report) -> None:
    """Reports a loss that no trained weight changes; `span` is where it stands."""
    if training.options.lora is not None and not training.adapted():
        return  # adapters of nothing are an error of their own
    (phase,) = training.phases
    behind = steps_behind(phase.instance.body, phase.graph.outputs[0][1])
    trained = {i.path for i in training.weights() if i.role == "trained" and i.tied is None}
    trained.update(info.path for info in training.adapted())
    if not any(moves(found, trained) for found in behind):
        message = "no trained weight changes this loss: no gradient would reach one"
        help = "compute it from the model's outputs, by steps that pass a gradient"
        report.error("E0824", span, message, help=help)
        return
    first = {path for path in trained if not training.thaws_at(path)}
    if not any(moves(found, first) for found in behind):
        message = "all weights that change this loss are frozen in the first epoch"
        report.error("E0827", span, message, help="let some of them move from the start")


def moves(found: StepInstance, trained: AbstractSet[str]) -> bool:
    """Whether a step computes with weights that are trained, of its own or of what it calls."""
    for k, iteration in enumerate(found.iterations):
        if iteration is None:
            continue
        path = call_path(iteration, iteration_path("", found.step, k))
        inner = () if iteration.call is None else sites(iteration.call, path)
        for site in (*inner, *step_sites(found)):
            if site.step.tie or any(is_below(weight, site.path) for weight in trained):
                return True
    return False


def has_trained(training: Training, home: str | None) -> bool:
    """Whether a model has weights of its own that are trained."""
    infos = training.weights()
    return any(i.role == "trained" and i.tied is None and is_below(i.path, home) for i in infos)


def homes_behind_loss(program: Program, phase: Phase) -> Homes:
    """Where the models have their weights that a gradient of the loss reaches."""
    behind = steps_behind(phase.instance.body, phase.graph.body.result)
    steps = tuple(found.step for found in behind)
    return frozenset(home for _, home in calls(program, Body(steps, phase.graph.body.result)))


def steps_behind(body: BodyInstance, result: Ref) -> list[StepInstance]:
    """The steps at the top of a graph from which a gradient leads to a value's owner."""
    owners = {result.owner}
    found: list[StepInstance] = []
    for step in reversed(body.steps):
        if step.step.id in owners and passes(step):
            owners |= {ref.owner for ref in reads(step.step)}
            found.append(step)
    return found


def passes(found: StepInstance) -> bool:
    """Whether a gradient passes through a step."""
    action = found.step.action
    if isinstance(action, ApplyOp) and not action.op.passes_gradient:
        return False
    types = [
        type for item in found.iterations if item is not None for type in item.outputs.values()
    ]
    return any(type.dtype in FLOATS for type in types) or not types


def calls(program: Program, body: Body) -> Iterator[tuple[Step, str | None]]:
    """Every call of a model with where it has its weights, and those of the models that it needs."""
    from dslc.ir.needs import needs_of

    needs = needs_of(program)
    for step in all_steps(body):
        if isinstance(step.action, CallModule):
            module = program.modules[step.action.module]
            if module.is_model:
                yield step, module.home
            for name in needs.get(module.name, ()):
                yield step, program.modules[name].home
