"""The `train` section: read without sizes first, then typed with the model's.

Reading finds unknown keys, words and names even where the model itself is wrong; typing needs the
model's own types and runs only once they are right.
"""

from __future__ import annotations

from dslc.diagnostics import meant
from dslc.ir.facts import Facts
from dslc.ir.scope import Scope
from dslc.passes.binding import input_type
from dslc.passes.instantiate import Instantiator
from dslc.passes.statistics import check_statistics
from dslc.passes.weights import sites, step_sites
from dslc.syntax.expressions import ExpressionError
from dslc.syntax.tree import Mapping
from dslc.train.columns import check_batch_axis, find_ceilings
from dslc.train.data import Column, DataReader
from dslc.train.derivatives import derivatives
from dslc.train.gradient import check_gradients
from dslc.train.graph import LOSS
from dslc.train.options import OPTION_KEYS, check_figure, check_options, read_options
from dslc.train.phases import COLUMN_KEYS, GRAPH_KEYS, PhasesReader
from dslc.train.places import check_globs
from dslc.train.run import Run
from dslc.train.settings import SettingsReader
from dslc.train.training import Phase, Training
from dslc.train.updates import check_reached, check_updates
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from typing import Any

    from dslc.diagnostics import Report
    from dslc.ir.graph import Module, Program
    from dslc.ir.instance import Instance
    from dslc.ir.types import TensorType
    from dslc.passes.weights import Site, WeightInfo
    from dslc.source import Span
    from dslc.train.data import Data
    from dslc.train.options import Options
    from dslc.train.phases import PhaseSection

SECTION_KEYS = (*COLUMN_KEYS, "data", *GRAPH_KEYS, *OPTION_KEYS, "phases")


@final
class Section:
    """A section that was read: all but types. `batch` is where it gives the rows of a step."""

    __slots__ = ("batch", "data", "fields", "options", "phases", "program", "run", "source")

    def __init__(
        self,
        program: Program,
        phases: list[PhaseSection],
        source: DataReader,
        data: Data,
        run: Run,
        batch: Span,
        options: Options,
        fields: Mapping,
    ) -> None:
        self.batch = batch
        self.options = options
        self.fields = fields
        self.program = program
        self.phases = phases
        self.source = source
        self.data = data
        self.run = run

    def marked(self, program: Program) -> Program:
        """A program with what its layers have to know of training."""
        own = self.program
        return program.replace(deterministic=own.deterministic, derivatives=own.derivatives)


def read_section(program: Program, report: Report) -> Section | None:
    """Reads a spec's `train` section; None after an error, which is reported."""
    node: Any = program.train
    names_are_right = report.ok
    names = Scope(None, [param.name for param in program.params])
    reader = SettingsReader(report, names, program.values, program.units)
    fields = reader.mapping(node, "`train`") or Mapping([], node.span)
    keys, misspelt = (*SECTION_KEYS, *Run.attributes), set[str | None]()
    for key, _ in fields.entries:
        if key.text not in keys:
            reader.unknown_key(key, keys, "`train`")
            misspelt.add(meant(key.text, keys))
    others = tuple(key.text for key, _ in fields.entries)
    needs = ("data",) if fields.key("phases") is not None else ("data", "loss", "optimizer")
    run = reader.settings(Run, fields, "`train`", others, needs=needs, misspelt=misspelt)
    phases_reader = PhasesReader(program, report, reader, fields)
    phases = phases_reader.read(graphs=names_are_right)
    options = read_options(reader, fields)
    data = source = None
    if (chosen := fields.get("data")) is not None:
        source = DataReader(reader, chosen)
        data = source.read()
    if not (names_are_right and report.ok and phases and source and data and run):
        return None
    batch = fields.get("batch")
    place = fields.span if batch is None else batch.span
    program = phases_reader.program.replace(deterministic=run.deterministic)
    program = program.replace(derivatives=derivatives(program, [p.graph for p in phases]))
    return Section(program, phases, source, data, run, place, options, fields)


def type_section(section: Section, checker: Instantiator, model: Instance) -> Training | None:
    """Types the graphs and compares columns and globs with what is there; None after an error.

    Args:
        section: What was read.
        checker: The checker of the main module.
        model: The main module with its types.
    """
    phases = [type_phase(section, phase, checker) for phase in section.phases]
    known = [phase for phase in phases if phase is not None]
    report = checker.report
    if len(known) < len(phases):
        return None
    training = Training(
        section.program, model, known, {}, section.data, section.run, section.options
    )
    for read, phase in zip(section.phases, known, strict=True):
        check_optimizer_globs(read, training.updated(phase), report)
        for part in phase.regularizers:
            check_globs(part.of, read.fields.get("regularize"), training.updated(phase), report)
        metric = phase.schedule.values.get("metric")
        if metric is not None:
            check_figure(training, "this plateau", metric, read.fields.get("schedule"), report)
    check_options(training, section.fields, report)
    if training.is_phased:
        check_updates(training, section.phases, report)
    else:
        node = section.phases[0].fields.get("loss")
        assert node is not None
        check_reached(training, node.span, report)
    types = {name: type for phase in known for name, type in phase.instance.inputs.items()}
    sources = section.source.sources(types)
    spans = {item.name: item.span for phase in known for item in phase.graph.inputs}
    training.columns.update(
        (name, Column(sources[name], type, spans[name])) for name, type in types.items()
    )
    for phase in known:
        find_ceilings(phase.instance, training.columns)
        check_statistics(phase, section.run.batch // phase.accumulate, section.batch, report)
    check_batch_axis(training.columns, report)
    section.source.check(section.data, training.columns)
    return training


def type_phase(section: Section, phase: PhaseSection, checker: Instantiator) -> Phase | None:
    """One graph with its types; None after an error."""
    sizes: dict[str, object] = {}
    values = checker.program.values
    types: list[TensorType] = []
    try:
        for item in phase.graph.inputs:
            assert item.type is not None
            environment = {**values, **sizes}
            types.append(input_type(item.type, environment, checker))
            sizes.update({k: environment[k] for k in environment.keys() - values.keys()})
        checker = with_facts(section.program, phase, checker, {**values, **sizes})
    except ExpressionError as error:
        checker.error(error.code, error.span, error.message, help=error.help)
        return None
    instance = checker.instance(phase.graph, {}, tuple(types), sizes)
    if instance is None or not checker.report.ok:
        return None
    check_figures(instance, phase.graph, checker.report)
    check_gradients(instance.body, checker.report)
    if not phase.own:
        check_paths(instance, checker.report)
    chosen = tuple(phase.update), phase.every, pieces_of(section, phase, checker.report)
    rest = phase.optimizer, phase.schedule, phase.clipping, phase.regularizers
    graph = phase.graph, instance, checker.facts
    return Phase(phase.name, phase.own, phase.doc, *graph, *chosen, *rest)


def pieces_of(section: Section, phase: PhaseSection, report: Report) -> int:
    """In how many pieces a phase computes a batch."""
    if phase.accumulate is None:
        return section.run.accumulate
    if section.run.batch % phase.accumulate:
        node = phase.fields.get("accumulate")
        assert node is not None
        message = f"a batch of {section.run.batch} rows has no {phase.accumulate} equal pieces"
        report.error("E0804", node.span, message)
    return phase.accumulate


def with_facts(
    program: Program, phase: PhaseSection, checker: Instantiator, environment: dict[str, object]
) -> Instantiator:
    """A checker that assumes what the training graph may assume of its columns.

    Where a model is called on them as they are, they fulfil the model's own facts; where steps call
    it, each call has to.
    """
    model = phase.model
    facts = (*phase.graph.where, *(() if model is None else model.where))
    if not phase.graph.where and model is not None and not program.has_several:
        fresh = Instantiator(program, checker.report, checker.limits, checker.facts)
        fresh.take_over(checker)
        return fresh
    constraints = [claim for fact in facts for claim in checker.constraints(fact, environment)]
    return Instantiator(program, checker.report, checker.limits, Facts(constraints))


def check_figures(instance: Instance, graph: Module, report: Report) -> None:
    """Reports a loss or metric that is not one number."""
    for name, ref in graph.outputs:
        type = instance.outputs.get(name)
        if type is None or (type.rank == 0 and type.dtype[0] in "fb"):
            continue
        what = "the loss" if name == LOSS else f"the metric `{name}`"
        help = "reduce it, as with `reduce_mean`"
        span = graph.span if ref.span is None else ref.span
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


def check_optimizer_globs(phase: PhaseSection, trained: list[WeightInfo], report: Report) -> None:
    """Reports a glob of an optimiser that matches no weight that a phase trains."""
    node, values = phase.fields.get("optimizer"), phase.optimizer.values
    groups = [glob for group in values["groups"] for glob in group.of]
    globs = (*values["no_decay"], *values.get("adamw", ()), *groups)
    check_globs(globs, node, trained, report)
