"""The pipeline as one visible list: text → tree → program → instances → checks.

Each stage stands alone and can be printed; a stage that reports errors ends the run, so that what
follows only ever sees what was right.
"""

from __future__ import annotations

from dslc.collector import collector_paused
from dslc.diagnostics import Report, SpecError
from dslc.ir.elaborate import elaborate
from dslc.ir.facts import Facts
from dslc.ir.walk import chooses
from dslc.limits import Limits
from dslc.loader import FolderLoader
from dslc.passes.binding import Binder, input_type
from dslc.passes.budget import check_budget
from dslc.passes.doubts import warn_doubts
from dslc.passes.instantiate import Instantiator
from dslc.passes.statistics import warn_statistics
from dslc.passes.unused import warn_unused
from dslc.passes.weight_checks import check_shared, check_ties
from dslc.passes.weights import weights_of
from dslc.source import read_source
from dslc.syntax.expressions import ExpressionError
from dslc.syntax.reader import read
from dslc.typed import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from dslc.ir.facts import Constraint
    from dslc.ir.given import Given
    from dslc.ir.graph import Module, Program
    from dslc.ir.imports import SourceLoader
    from dslc.ir.instance import Instance
    from dslc.ir.types import TensorType
    from dslc.passes.weights import WeightInfo
    from dslc.source import Source
    from dslc.syntax.tree import Node
    from dslc.train.section import Section
    from dslc.train.training import Training

LOCAL = (107, 401, 404, 405, 501, 502, 504, 505, 506, 508, 510, 520, 521, 605, 606, 607, 622, 623)
IN_STEPS = frozenset(f"E{number:04}" for number in (*LOCAL, 701, 702, 703, 1005, 1006))
"""Errors after which the other steps can still be checked."""


@final
class Part:
    """One model that passed by itself: its instance and the facts that it was checked under."""

    __slots__ = ("facts", "instance")

    def __init__(self, instance: Instance, facts: Facts) -> None:
        self.instance = instance
        self.facts = facts


@final
class Checked:
    """A spec that passed: its program, the main module's instance, the facts behind the proof.

    `parts` are its models, each by itself; of a spec that is one model, the main module is that one.
    `whole` is the spec that this is a part of, where it is one of several models taken by itself.
    `written` is the program as the spec has it, where params name ops.
    """

    __slots__ = (
        "constraints",
        "facts",
        "instance",
        "parts",
        "program",
        "report",
        "source",
        "train",
        "whole",
        "written",
    )

    def __init__(
        self,
        source: Source,
        program: Program,
        instance: Instance,
        facts: Facts,
        constraints: tuple[str, ...],
        report: Report,
        parts: Mapping[str, Part],
        train: Training | None = None,
    ) -> None:
        self.source = source
        self.parts = parts
        self.program = program
        self.instance = instance
        self.facts = facts
        self.constraints = constraints
        self.report = report
        self.train = train
        self.whole: Checked | None = None
        self.written = program

    def weights(self) -> list[WeightInfo]:
        """Every weight of the main module, in order; of one of several models, with all it needs."""
        if self.whole is None:
            return weights_of(self.instance)
        homes = {self.program.modules[name].home for name in self.program.models}
        return [info for info in self.whole.weights() if info.path.partition(".")[0] in homes]

    def own(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Arrays by weight path without those of other models and those that only training has."""
        spec = self.whole or self
        others = {info.path for info in spec.weights()}
        if spec.train is not None:
            others |= {info.path for info in spec.train.weights()}
        others -= {info.path for info in self.weights()}
        return {path: array for path, array in arrays.items() if path not in others}

    def of(self, name: str) -> Checked:
        """One of the spec's models by itself, with its own inputs and outputs."""
        from dslc.passes.several import view

        return view(self, name, alone=True)

    @property
    def chosen(self) -> Checked:
        """The model that the spec calls its main, by itself; the whole spec where it names none."""
        name = self.program.chosen
        return self if name is None or self.whole is not None else self.of(name)

    @property
    def form(self) -> Checked:
        """The whole spec, called as its main model is where it names one: what is generated."""
        from dslc.passes.several import view

        name = self.program.chosen
        return self if name is None else view(self, name, alone=False)

    def without_main(self) -> Checked:
        """The whole spec with no model as its main, so that its form runs all of them."""
        from dslc.passes.several import without_main

        return without_main(self)


def check_source(
    source: Source,
    report: Report,
    overrides: Mapping[str, Node] | None = None,
    limits: Limits | None = None,
    loader: SourceLoader | None = None,
) -> Checked | None:
    """Checks a spec; None where the report has an error.

    Args:
        source: The spec.
        report: Takes what is found.
        overrides: Values of params by name.
        limits: What the spec may take.
        loader: Reads what the spec imports; without it, an import is an error.
    """
    with collector_paused():
        return check_text(source, report, overrides or {}, limits or Limits(), loader)


def check_text(
    source: Source,
    report: Report,
    overrides: Mapping[str, Node],
    limits: Limits,
    loader: SourceLoader | None,
) -> Checked | None:
    """All stages one after the other."""
    root = read(source, report, limits)
    if root is None:
        return None
    program = elaborate(source, root, report, overrides, loader, limits)
    if program is None:
        return None
    if not report.ok:
        read_training(program, report)
        given_weights(program, report)
        report_more(source, program, report, limits)
        return None
    checked = check_program(source, program, report, limits)
    if checked is None and report.ok:
        raise AssertionError("the spec was refused without an error")
    if checked is not None:
        warn(checked, report)
    return checked


def warn(checked: Checked, report: Report) -> None:
    """Adds what is right and probably not meant."""
    warn_unused(checked.written, report)
    warn_doubts(checked, report)
    for part in checked.parts.values():
        warn_statistics(part, report)


def report_more(source: Source, program: Program, report: Report, limits: Limits) -> None:
    """Adds what is wrong with sizes to a report that has errors in steps alone.

    A step that could not be read has an unknown value, and what reads it is passed over, so the
    rest of the steps can still be checked.
    """
    errors = [item for item in report.diagnostics if item.severity == "error"]
    if not all(
        item.code in IN_STEPS
        or (report.is_in_step(item) and (item.code[:3] == "E02" or item.code == "E0602"))
        for item in errors
    ):
        return
    spans = {item.span for item in errors}
    more = Report()
    check_program(source, program, more, limits)
    for item in more.diagnostics:
        is_own = item.code[:3] in ("E02", "E03", "E05") and item.code != "E0202"
        if is_own and item.span not in spans:
            report.add(item)


def check_program(
    source: Source, program: Program, report: Report, limits: Limits
) -> Checked | None:
    """Types and sizes of a program whose names are right."""
    section = read_training(program, report)
    if section is not None:
        program = section.marked(program)
    given = given_weights(program, report)
    parts: dict[str, Part] = {}
    if program.held:
        from dslc.passes.several import check_models, with_own_symbols

        parts = check_models(program, report, limits)
        if not report.ok:
            return None
        program = with_own_symbols(program) if program.has_several else program
    model = program.modules[program.main]
    typed = type_model(program, report, limits)
    if typed is None:
        return None
    checker, instance = typed
    facts = checker.facts
    if instance is None or checker.passed_over or not report.ok:
        advise_facts(program, report, limits, facts)
        return None
    check_budget(instance, limits, model.span, report)
    if report.ok:
        check_ties(program, instance, report)
        check_shared(program, instance, report)
    training = None
    if report.ok and section is not None:
        from dslc.train.section import type_section

        training = type_section(section, checker, instance)
    if not report.ok:
        return None
    if section is not None and not program.has_several:
        from dslc.train.apart import without_training

        program, instance = without_training(program, section.program, instance)
    if not program.has_several:
        parts[program.main] = Part(instance, facts)
    stated = (str(fact) for part in parts.values() for fact in part.facts.constraints)
    report.facts = tuple(dict.fromkeys(stated))
    checked = Checked(source, program, instance, facts, report.facts, report, parts, training)
    if given is not None:
        from dslc.passes.given import check_given

        check_given(checked, given, report)
    return with_plain_ops(checked, report, limits) if report.ok else None


def with_plain_ops(checked: Checked, report: Report, limits: Limits) -> Checked | None:
    """A checked spec in which each step has its op, also where a param names it."""
    program = checked.program
    sources = (program.text, *(item.source.text for item in program.imports))
    if not any("$" in text for text in sources):
        return checked
    if not chooses(program.modules):
        return checked
    from dslc.passes.choosing import concrete

    return concrete(checked, report, limits)


def type_model(
    program: Program,
    report: Report,
    limits: Limits,
    more: Sequence[Constraint] = (),
    *,
    name: str | None = None,
    broken: Iterable[str] = (),
) -> tuple[Instantiator, Instance | None] | None:
    """Types a model under its facts and some more; None where these are wrong themselves.

    Args:
        program: The program.
        report: What is wrong goes there.
        limits: The limits.
        more: Facts beside the model's own.
        name: The model; by default the main module.
        broken: Models whose faults are known; calls of them give unknown values.
    """
    model = program.modules[name or program.main]
    if any(declared.type is None for declared in model.inputs):
        return None  # reported where it was read
    binder = Binder(report, Facts(()))
    sizes: dict[str, object] = {}
    try:
        types = model_types(program, model, binder, sizes)
        environment = {**program.values, **sizes}
        constraints: list[Constraint] = []
        for fact in model.where:
            constraints += binder.constraints(fact, environment)
            binder.facts = Facts(constraints)
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
    checker.broken.update(broken)
    arguments = {param.name: program.values[param.name] for param in model.params}
    return checker, checker.instance(model, arguments, types, sizes)


def advise_facts(
    program: Program, report: Report, limits: Limits, facts: Facts, name: str | None = None
) -> None:
    """Says with which facts the whole net would pass, where that is all that it lacks."""
    if not facts.wanted:
        return
    from dslc.passes.inference import infer_facts

    def check(trial: Report, more: Sequence[Constraint]) -> Facts | None:
        typed = type_model(program, trial, limits, more, name=name)
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


def given_weights(program: Program, report: Report) -> Given | None:
    """The `weights` section; a spec that has none loads nothing of it."""
    if program.weights is None:
        return None
    from dslc.passes.given import read_given

    return read_given(program, report)


def model_types(
    program: Program, model: Module, binder: Binder, sizes: dict[str, object]
) -> tuple[TensorType, ...]:
    """The types of a model's inputs; its symbols are put into `sizes`."""
    types: list[TensorType] = []
    for declared in model.inputs:
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
    limits = limits or Limits()
    checked = check_source(source, report, overrides, limits, FolderLoader(source, limits))
    if checked is None:
        raise SpecError(report.diagnostics)
    return checked
