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
from dslc.passes.instantiate import Instantiator
from dslc.passes.weight_checks import check_ties
from dslc.passes.weights import weights_of
from dslc.source import read_source
from dslc.syntax.expressions import ExpressionError
from dslc.syntax.reader import read
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.graph import Program
    from dslc.ir.instance import Instance
    from dslc.ir.types import TensorType
    from dslc.passes.weights import WeightInfo
    from dslc.source import Source
    from dslc.syntax.tree import Node


@final
class Checked:
    """A spec that passed: its program, the main model's instance, the facts behind the proof."""

    __slots__ = ("constraints", "facts", "instance", "program", "report", "source")

    def __init__(
        self,
        source: Source,
        program: Program,
        instance: Instance,
        facts: Facts,
        constraints: tuple[str, ...],
        report: Report,
    ) -> None:
        self.source = source
        self.program = program
        self.instance = instance
        self.facts = facts
        self.constraints = constraints
        self.report = report

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
    if program is None or not report.ok:
        return None
    return check_program(source, program, report, limits)


def check_program(
    source: Source, program: Program, report: Report, limits: Limits
) -> Checked | None:
    """Types and sizes of a program whose names are right."""
    model = program.modules[program.main]
    binder = Binder(report, Facts(()))
    sizes: dict[str, object] = {}
    try:
        types = model_types(program, binder, sizes)
        environment = {**program.values, **sizes}
        constraints = [c for fact in model.where for c in binder.constraints(fact, environment)]
    except ExpressionError as error:
        binder.error(error.code, error.span, error.message, help=error.help)
        return None
    facts = Facts(constraints)
    if facts.contradiction():
        message = "no sizes fulfil these facts together"
        report.error("E0313", model.where[0].span, message, help="loosen one of them")
        return None
    checker = Instantiator(program, report, limits, facts)
    arguments = {param.name: program.values[param.name] for param in model.params}
    instance = checker.instance(model, arguments, types, sizes)
    if instance is None or not report.ok:
        return None
    check_budget(instance, limits, model.span, report)
    if report.ok:
        check_ties(program, instance, report)
    if not report.ok:
        return None
    texts = tuple(f"{c.left} {c.op} {c.right}" for c in constraints)
    return Checked(source, program, instance, facts, texts, report)


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
