"""The `train` section: read without sizes first, then typed with the model's.

Reading finds unknown keys, words and names even where the model itself is wrong; typing needs the
model's own types and runs only once they are right.
"""

from __future__ import annotations

from dslc.ir.facts import Facts
from dslc.ir.scope import Scope
from dslc.passes.binding import input_type
from dslc.passes.instantiate import Instantiator
from dslc.passes.weights import sites, step_sites, weights_of
from dslc.syntax.expressions import ExpressionError
from dslc.syntax.tree import Mapping
from dslc.train.columns import check_batch_axis, find_ceilings
from dslc.train.data import Column, DataReader
from dslc.train.globs import matches
from dslc.train.gradient import check_gradients
from dslc.train.graph import LOSS, GraphReader
from dslc.train.optimizers import Optimizer
from dslc.train.run import Run
from dslc.train.schedules import Constant, Schedule
from dslc.train.settings import SettingsReader
from dslc.train.training import Training
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from typing import Any

    from dslc.diagnostics import Report
    from dslc.ir.graph import Module, Program
    from dslc.ir.instance import Instance
    from dslc.ir.types import TensorType
    from dslc.passes.weights import Site
    from dslc.train.data import Data

GRAPH_KEYS = ("inputs", "where", "data", "steps", "loss", "optimizer", "schedule", "metrics")


@final
class Section:
    """A section that was read: all but types; `model` is the one that it calls without saying so."""

    __slots__ = (
        *("data", "fields", "graph", "model", "optimizer"),
        *("program", "run", "schedule", "source"),
    )

    def __init__(
        self,
        fields: Mapping,
        program: Program,
        graph: Module,
        source: DataReader,
        data: Data,
        optimizer: Optimizer,
        schedule: Schedule,
        run: Run,
        model: Module | None,
    ) -> None:
        self.model = model
        self.fields = fields
        self.program = program
        self.graph = graph
        self.source = source
        self.data = data
        self.optimizer = optimizer
        self.schedule = schedule
        self.run = run


def read_section(program: Program, report: Report) -> Section | None:
    """Reads a spec's `train` section; None after an error, which is reported."""
    node: Any = program.train
    names_are_right = report.ok
    names = Scope(None, [param.name for param in program.params])
    reader = SettingsReader(report, names, program.values, program.units)
    fields = reader.mapping(node, "`train`") or Mapping([], node.span)
    for key, _ in fields.entries:
        if key.text not in (*GRAPH_KEYS, *Run.attributes):
            reader.unknown_key(key, (*GRAPH_KEYS, *Run.attributes), "`train`")
    others = tuple(key.text for key, _ in fields.entries)
    run = reader.settings(Run, fields, "`train`", others, needs=("data", "loss", "optimizer"))
    graph_reader = GraphReader(program, report, fields)
    graph = graph_reader.read() if names_are_right else None
    optimizer = schedule = data = source = None
    if (chosen := fields.get("optimizer")) is not None:
        optimizer = reader.choice(Optimizer, chosen)
    chosen = fields.get("schedule")
    schedule = Constant({}) if chosen is None else reader.choice(Schedule, chosen)
    if (chosen := fields.get("data")) is not None:
        source = DataReader(reader, chosen)
        data = source.read()
    if not (graph and source and data and optimizer and schedule and run):
        return None
    model = None if graph_reader.calls_itself else graph_reader.model
    program = graph_reader.program
    return Section(fields, program, graph, source, data, optimizer, schedule, run, model)


def type_section(section: Section, checker: Instantiator) -> Training | None:
    """Types the graph and compares columns and globs with what is there; None after an error."""
    sizes: dict[str, object] = {}
    values = checker.program.values
    types: list[TensorType] = []
    try:
        for item in section.graph.inputs:
            assert item.type is not None
            environment = {**values, **sizes}
            types.append(input_type(item.type, environment, checker))
            sizes.update({k: environment[k] for k in environment.keys() - values.keys()})
        checker = with_facts(section, checker, {**values, **sizes})
    except ExpressionError as error:
        checker.error(error.code, error.span, error.message, help=error.help)
        return None
    instance = checker.instance(section.graph, {}, tuple(types), sizes)
    if instance is None or not checker.report.ok:
        return None
    check_figures(instance, section, checker.report)
    check_gradients(instance.body, checker.report)
    check_paths(instance, checker.report)
    check_globs(section, instance, checker.report)
    sources = section.source.sources(instance.inputs)
    spans = {item.name: item.span for item in section.graph.inputs}
    columns = {
        name: Column(sources[name], type, spans[name]) for name, type in instance.inputs.items()
    }
    find_ceilings(instance, columns)
    check_batch_axis(columns, checker.report)
    section.source.check(section.data, columns)
    return Training(
        section.program,
        section.graph,
        instance,
        checker.facts,
        columns,
        section.data,
        section.optimizer,
        section.schedule,
        section.run,
    )


def with_facts(
    section: Section, checker: Instantiator, environment: dict[str, object]
) -> Instantiator:
    """A checker that assumes what the training graph may assume of its columns.

    Where a model is called on them as they are, they fulfil the model's own facts; where steps call
    it, each call has to.
    """
    program, model = section.program, section.model
    facts = (*section.graph.where, *(() if model is None else model.where))
    if not section.graph.where and model is not None and not program.has_several:
        fresh = Instantiator(program, checker.report, checker.limits, checker.facts)
        fresh.take_over(checker)
        return fresh
    constraints = [claim for fact in facts for claim in checker.constraints(fact, environment)]
    return Instantiator(program, checker.report, checker.limits, Facts(constraints))


def check_figures(instance: Instance, section: Section, report: Report) -> None:
    """Reports a loss or metric that is not one number."""
    for name, ref in section.graph.outputs:
        type = instance.outputs.get(name)
        if type is None or (type.rank == 0 and type.dtype[0] in "fb"):
            continue
        what = "the loss" if name == LOSS else f"the metric `{name}`"
        help = "reduce it, as with `reduce_mean`"
        span = section.graph.span if ref.span is None else ref.span
        report.error("E0807", span, f"{what} is one number, and this is {type}", help=help)


def check_paths(instance: Instance, report: Report) -> None:
    """Reports a step of the graph whose weights lie where the model has others."""
    models = {
        site.path: site.step.span
        for found in instance.body.steps
        for iteration in found.iterations
        if iteration is not None and iteration.call is not None and iteration.call.module.is_model
        for site in sites(iteration.call)
        if owns_weights(site)
    }
    own = {
        site.path: site.step.span
        for found in instance.body.steps
        for site in step_sites(found)
        if owns_weights(site)
    }
    for path, span in own.items():
        if models.get(path, span) != span:  # a block may call the model
            message = f"the model has weights under `{path}`, and so would this step"
            help = "give the step another name"
            report.error("E0808", span, message, help=help)


def owns_weights(site: Site) -> bool:
    """Whether an op has weights where it stands."""
    types = tuple(type for type in site.iteration.inputs if type is not None)
    return site.iteration.op is not None and bool(site.iteration.op.weights(*types))


def check_globs(section: Section, instance: Instance, report: Report) -> None:
    """Reports a glob that matches no trained weight."""
    globs = section.optimizer.values["no_decay"]
    if not globs:
        return
    weights = weights_of(instance)
    trained = [info.path for info in weights if info.role == "trained" and info.tied is None]
    for glob in globs:
        if not any(matches(glob, path) for path in trained):
            message = f"no trained weight matches {glob!r}"
            help = "`**` stands for any number of parts: `**.bias`"
            node = section.fields.get("optimizer")
            assert node is not None
            report.error("E0815", node.span, message, help=help)
