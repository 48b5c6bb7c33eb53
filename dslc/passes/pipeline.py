"""The pipeline as one visible list: text → tree → program → instances → checks.

Each stage stands alone and can be printed; a stage that reports errors ends the run, so that what
follows only ever sees what was right.
"""

from __future__ import annotations

from dslc.diagnostics import Report, SpecError
from dslc.ir.elaborate import elaborate
from dslc.ir.facts import Facts
from dslc.limits import Limits
from dslc.passes.binding import Binder, input_type
from dslc.passes.budget import check_budget
from dslc.passes.doubts import warn_doubts
from dslc.passes.instantiate import Instantiator
from dslc.passes.unused import warn_unused
from dslc.passes.weight_checks import check_shared, check_ties
from dslc.passes.weights import weights_of
from dslc.source import read_source
from dslc.syntax.expressions import ExpressionError
from dslc.syntax.reader import read
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.ir.facts import Constraint
    from dslc.ir.graph import Program
    from dslc.ir.instance import Instance
    from dslc.ir.types import TensorType
    from dslc.passes.weights import WeightInfo
    from dslc.source import Source
    from dslc.syntax.tree import Node
    from dslc.train.section import Section
    from dslc.train.training import Training

IN_STEPS = frozenset(
    (
        *("E0401", "E0404", "E0405", "E0501", "E0502", "E0504", "E0505", "E0506", "E0508", "E0510"),
        *("E0605", "E0606", "E0607", "E0622", "E0623", "E0701", "E0702", "E0703"),
    )
)
"""Errors after which the other steps can still be checked."""


@final
class Checked:
    """A spec that passed: its program, the main model's instance, the facts behind the proof."""

    __slots__ = ("constraints", "facts", "instance", "program", "report", "source", "train")

    def __init__(
        self,
        source: Source,
        program: Program,
        instance: Instance,
        facts: Facts,
        constraints: tuple[str, ...],
        report: Report,
        train: Training | None = None,
    ) -> None:
        self.source = source
        self.program = program
        self.instance = instance
        self.facts = facts
        self.constraints = constraints
        self.report = report
        self.train = train

    def weights(self) -> list[WeightInfo]:
        """Every weight of the main model, in order."""
        return weights_of(self.instance)


def check_source(
    source: Source,
    report: Report,
    overrides: Mapping[str, Node] | None = None,
    limits: Limits | None = None,
) -> Checked | None:
    """Checks a spec; None where the report has an error."""
    limits = limits or Limits()
    root = read(source, report, limits)
    if root is None:
        return None
    program = elaborate(source, root, report, overrides or {})
    if program is None:
        return None
    if not report.ok:
        read_training(program, report)
        report_more(source, program, report, limits)
        return None
    checked = check_program(source, program, report, limits)
    if checked is not None:
        warn(checked, report)
    return checked


def warn(checked: Checked, report: Report) -> None:
    """Adds what is right and probably not meant."""
    warn_unused(checked.program, report)
    warn_doubts(checked, report)


def report_more(source: Source, program: Program, report: Report, limits: Limits) -> None:
    """Adds what is wrong with sizes to a report that has errors in steps alone.

    A step that could not be read has an unknown value, and what reads it is passed over, so the
    rest of the steps can still be checked.
    """
    errors = [item for item in report.diagnostics if item.severity == "error"]
    if not all(item.code in IN_STEPS for item in errors):
        return
    spans = {item.span for item in errors}
    more = Report()
    check_program(source, program, more, limits)
    for item in more.diagnostics:
        if item.code[:3] in ("E03", "E05") and item.span not in spans:
            report.add(item)


def check_program(
    source: Source, program: Program, report: Report, limits: Limits
) -> Checked | None:
    """Types and sizes of a program whose names are right."""
    section = read_training(program, report)
    model = program.modules[program.main]
    typed = type_model(program, report, limits)
    if typed is None:
        return None
    checker, instance = typed
    facts = checker.facts
    if instance is None or not report.ok:
        advise_facts(program, report, limits, facts)
        return None
    check_budget(instance, limits, model.span, report)
    if report.ok:
        check_ties(program, instance, report)
        check_shared(program, instance, report)
    training = None
    if report.ok and section is not None:
        from dslc.train.section import type_section

        training = type_section(section, checker)
    if not report.ok:
        return None
    if section is not None:
        from dslc.train.apart import without_training

        program, instance = without_training(program, section.program, instance)
    report.facts = tuple(map(str, facts.constraints))
    return Checked(source, program, instance, facts, report.facts, report, training)


def type_model(
    program: Program, report: Report, limits: Limits, more: Sequence[Constraint] = ()
) -> tuple[Instantiator, Instance | None] | None:
    """Types the main model under its facts and some more; None where these are wrong themselves."""
    model = program.modules[program.main]
    if any(declared.type is None for declared in model.inputs):
        return None  # reported where it was read
    binder = Binder(report, Facts(()))
    sizes: dict[str, object] = {}
    try:
        types = model_types(program, binder, sizes)
        environment = {**program.values, **sizes}
        constraints = [c for fact in model.where for c in binder.constraints(fact, environment)]
    except ExpressionError as error:
        binder.error(error.code, error.span, error.message, help=error.help)
        return None
    facts = Facts([*constraints, *more])
    if facts.contradiction():
        span = model.where[0].span if model.where else model.span
        message = "no sizes fulfil these facts together"
        report.error("E0313", span, message, help="loosen one of them")
        return None
    checker = Instantiator(program, report, limits, facts)
    arguments = {param.name: program.values[param.name] for param in model.params}
    return checker, checker.instance(model, arguments, types, sizes)


def advise_facts(program: Program, report: Report, limits: Limits, facts: Facts) -> None:
    """Says with which facts the whole net would pass, where that is all that it lacks."""
    if not facts.wanted:
        return
    from dslc.passes.inference import infer_facts

    def check(trial: Report, more: Sequence[Constraint]) -> Facts | None:
        typed = type_model(program, trial, limits, more)
        return None if typed is None else typed[0].facts

    found = infer_facts(check, facts.constraints)
    if found:
        texts = ", ".join(map(str, found))
        report.advise(texts)
        report.facts = tuple(map(str, (*facts.constraints, *found)))


def read_training(program: Program, report: Report) -> Section | None:
    """The `train` section without its types; a spec that has none loads nothing of `dslc.train`."""
    if program.train is None:
        return None
    from dslc.train.section import read_section

    return read_section(program, report)


def model_types(
    program: Program, binder: Binder, sizes: dict[str, object]
) -> tuple[TensorType, ...]:
    """The types of the main model's inputs; its symbols are put into `sizes`."""
    types: list[TensorType] = []
    for declared in program.modules[program.main].inputs:
        assert declared.type is not None
        environment = {**program.values, **sizes}
        types.append(input_type(declared.type, environment, binder))
        new = environment.keys() - program.values.keys()
        sizes.update({name: environment[name] for name in sorted(new)})
    return tuple(types)


def check_file(
    path: str,
    overrides: Mapping[str, Node] | None = None,
    limits: Limits | None = None,
) -> Checked:
    """Checks the spec in a file; raises `SpecError` with every diagnostic where it is wrong."""
    source = read_source(path)
    report = Report()
    checked = check_source(source, report, overrides, limits)
    if checked is None:
        raise SpecError(report.diagnostics)
    return checked
