"""A spec of several models: each is checked by itself, and each can be taken by itself."""

from __future__ import annotations

from dslc.diagnostics import Report
from dslc.ir.facts import Facts
from dslc.ir.graph import CallModule
from dslc.ir.models import held
from dslc.ir.needs import needs_of
from dslc.ir.walk import actions
from dslc.limits import Limits
from dslc.passes.binding import Binder
from dslc.passes.pipeline import Checked, Part, advise_facts, model_types, type_model
from dslc.syntax.expressions import ExpressionError, Name, free_names, substitute
from dslc.syntax.types import ELLIPSIS, TypeExpr
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dslc.ir.facts import Constraint
    from dslc.ir.graph import Module, Program
    from dslc.syntax.expressions import Expr


def check_models(program: Program, report: Report, limits: Limits) -> dict[str, Part]:
    """Types every model that is held under its own facts, callees first: each fault is told once."""
    found: dict[str, Part] = {}
    broken: set[str] = set()
    for name in callees_first(program):
        own = Report()
        typed = type_model(program, own, limits, name=name, broken=broken)
        instance = None if typed is None else typed[1]
        if typed is None or instance is None or not own.ok:
            broken.add(name)
            if typed is not None:
                advise_facts(program, own, limits, typed[0].facts, name)
        else:
            found[name] = Part(instance, typed[0].facts)
        for item in own.diagnostics:
            report.add(item)
    return {name: found[name] for name in program.held if name in found}


def callees_first(program: Program) -> list[str]:
    """The models, each behind those that it calls, itself or through blocks."""
    found: dict[str, None] = {}
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for _, action in actions(program.modules[name].body):
            if isinstance(action, CallModule):
                visit(action.module)
        if program.modules[name].is_model:
            found[name] = None

    for name in program.held:
        visit(name)
    return list(found)


def with_own_symbols(program: Program) -> Program:
    """The program whose main module's sizes are apart, where its models' facts exclude each other.

    The same symbol in two models need not be the same size. Mostly nothing is lost by taking it for
    one, and what is written reads the better for it.
    """
    models = [program.modules[name] for name in program.models]
    steps = program.modules[program.main].body.steps
    if [step.label for step in steps] != [model.home for model in models]:
        return program  # it calls one of them, or is a training graph's
    if Facts([claim for model in models for claim in claims(program, model)]).contradiction():
        models = [renamed(model) for model in models]
        main = program.modules[program.main]
        main = held(program.main, main.doc, models, main.span)
        return program.replace(modules={**program.modules, program.main: main})
    return program


def claims(program: Program, model: Module) -> Iterator[Constraint]:
    """The facts of a model, as far as they can be read."""
    binder = Binder(Report(), Facts(()))
    sizes: dict[str, object] = {}
    try:
        model_types(program, model, binder, sizes)
        for fact in model.where:
            yield from binder.constraints(fact, {**program.values, **sizes})
    except ExpressionError:
        return  # reported with the model


def renamed(model: Module) -> Module:
    """A model's head with its symbols under names of their own: `T` of `Decoder` is `TDecoder`."""
    dims = [dim for item in model.inputs if item.type for dim in item.type.dims or ()]
    names = {n for dim in dims if dim is not ELLIPSIS for n in free_names(dim) if n[0].isupper()}  # pyright: ignore[reportArgumentType]
    mapping = {name: Name(f"{name}{model.name}", model.span) for name in sorted(names)}
    inputs = [item.replace(type=renamed_type(item.type, mapping)) for item in model.inputs]
    where = tuple(substitute(fact, mapping) for fact in model.where)
    return model.replace(inputs=tuple(inputs), where=where)


def renamed_type(type: TypeExpr | None, mapping: Mapping[str, Expr]) -> TypeExpr | None:
    """A type with its symbols under other names."""
    if type is None or type.dims is None:
        return type
    dims = (dim if dim is ELLIPSIS else substitute(dim, mapping) for dim in type.dims)  # pyright: ignore[reportArgumentType]
    return TypeExpr(type.dtype, tuple(dims), type.span)


def view(checked: Checked, name: str, *, alone: bool) -> Checked:
    """A spec whose main module calls one of its models, on inputs of the model's own names.

    Args:
        checked: The spec.
        name: The model.
        alone: Whether it holds nothing but this model and those that it needs.
    """
    program = checked.program
    if not program.has_several:
        return checked
    single = of_one(program, name, alone=alone)
    typed = type_model(single, Report(), Limits())
    assert typed is not None
    checker, instance = typed
    assert instance is not None, "the model has been checked by itself"
    parts = {other: checked.parts[other] for other in single.models}
    facts = tuple(str(fact) for fact in checker.facts.constraints)
    training, report = None if alone else checked.train, checked.report
    found = Checked(checked.source, single, instance, checker.facts, facts, report, parts, training)
    found.whole = (checked.whole or checked) if alone else checked.whole
    found.written = of_one(checked.written, name, alone=alone)
    return found


def of_one(program: Program, name: str, *, alone: bool) -> Program:
    """A program whose main module calls one of its models, as `view` takes it."""
    main = program.modules[program.main]
    module = held(program.main, main.doc, [program.modules[name]], main.span)
    names = program.models
    if alone:
        needed = {name, *needs_of(program)[name]}
        names = tuple(other for other in names if other in needed)
    train = None if alone else program.train
    modules = {**program.modules, program.main: module}
    return program.replace(modules=modules, models=names, train=train, chosen=name)


def without_main(checked: Checked) -> Checked:
    """A spec that calls none of its models its main, so that what is written runs all of them."""
    if checked.program.chosen is None:
        return checked
    program = checked.program.replace(chosen=None)
    found = Checked(
        checked.source,
        program,
        checked.instance,
        checked.facts,
        checked.constraints,
        checked.report,
        checked.parts,
        checked.train,
    )
    found.whole = checked.whole
    found.written = checked.written.replace(chosen=None)
    return found
