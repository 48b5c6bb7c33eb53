"""What a spec declares and nothing reads: values, params, blocks.

Nothing here needs sizes. The training section is read as words, so whatever it may mean counts as
read: a warning that is wrong costs more than one that is missing.
"""

from __future__ import annotations

from dslc.ir.graph import REGION_INPUT, CallModule
from dslc.ir.walk import all_steps, ends, expressions_of, regions
from dslc.syntax.expressions import free_names
from dslc.syntax.tree import Mapping, Scalar, Sequence
from dslc.syntax.types import ELLIPSIS
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dslc.diagnostics import Report
    from dslc.ir.graph import Module, Program, Ref, Step
    from dslc.syntax.expressions import Expr
    from dslc.syntax.types import TypeExpr


def warn_unused(program: Program, report: Report) -> None:
    """Warns about values, params and blocks that nothing reads."""
    spoken = frozenset(words_of(program.train))
    used = used_modules(program, spoken)
    holder = program.main if program.has_several else None
    for item in program.imports:
        if item.span.file == program.path and not item.is_used:
            message = f"nothing uses the import `{item.name}`"
            report.warning("W1001", item.span, message, help="use it, or take it out")
    for module in program.modules.values():
        if module.span.file != program.path or module.name == holder:
            continue
        if module.name not in used:
            kind = "model" if module.is_model else "block"
            message = f"nothing calls the {kind} `{module.name}`"
            report.warning("W0105", module.span, message, help="call it, or take it out")
            continue
        warn_values(module, spoken, report)
        names = set(names_in_module(module)) if module.params else set[str]()
        for param in module.params:
            if param.name not in names:
                message = f"nothing in `{module.name}` reads its param `{param.name}`"
                report.warning("W0104", param.span, message, help="take it out of `params`")
    if not program.params:
        return
    own = [module for module in program.modules.values() if module.span.file == program.path]
    names = {name for module in own for name in names_in_module(module)}
    names |= names_in_defaults(program) | spoken
    names |= {name for param in program.params for name in names_of(param.default)}
    for param in program.params:
        if param.name not in names and f"${param.name}" not in program.text:  # an op's name
            message = f"nothing reads the param `{param.name}`"
            report.warning("W0104", param.span, message, help="take it out of `params`")


def words_of(node: object) -> Iterator[str]:
    """Every word in a piece of the tree."""
    if isinstance(node, Scalar):
        letters = (c if c.isalnum() or c == "_" else " " for c in node.text)
        yield from "".join(letters).split()
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from words_of(item)
    elif isinstance(node, Mapping):
        for key, value in node.entries:
            yield from words_of(key)
            yield from words_of(value)


def used_modules(program: Program, spoken: frozenset[str]) -> set[str]:
    """The modules that a model or the training section calls, straight or through others.

    Where the spec names a main model, another one is used only if something calls it.
    """
    models = program.models
    if program.chosen is not None:
        models = [name for name in models if name == program.chosen or is_tied(program, name)]
    waiting = [*models, *(name for name in program.modules if name in spoken)]
    used: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in used:
            continue
        used.add(name)
        for step in all_steps(program.modules[name].body):
            if isinstance(step.action, CallModule):
                waiting.append(step.action.module)
    return used


def is_tied(program: Program, name: str) -> bool:
    """Whether a model is another form of one: its weights are those of others."""
    return any(
        tie.model for step in all_steps(program.modules[name].body) for tie in step.tie.values()
    )


def warn_values(module: Module, spoken: frozenset[str], report: Report) -> None:
    """Warns about the steps that neither an output nor the training section needs.

    Of a row of steps that feed only each other, the last is named.
    """
    needed = Needed(module)
    for _, ref in module.outputs:
        needed.mark(ref)
    if not module.is_model:
        needed.mark(module.body.result)
    for step in needed.steps.values():
        if step.name in spoken:
            needed.mark_step(step.id)
    read = {ref.owner for step in needed.steps.values() for ref in step.inputs if ref is not None}
    read |= {ref.owner for step in needed.steps.values() for ref in ends(step.action)}
    for step in needed.steps.values():
        if step.id not in needed.found and step.id not in read:
            called = f"`{step.name}`" if step.name else f"this `{step.label or 'structure'}`"
            message = f"nothing reads the value of {called}"
            help = "refer to it with `from` or `outputs`, or take it out"
            report.warning("W0103", step.span, message, help=help)


class Needed:
    """The steps of a module that lead to a value that is read."""

    def __init__(self, module: Module) -> None:
        self.steps: dict[int, Step] = {}
        self.parents: dict[int, int] = {}
        self.found: set[int] = set()
        for step in all_steps(module.body):
            self.steps[step.id] = step
            for body in regions(step.action):
                self.parents.update((inner.id, step.id) for inner in body.steps)

    def mark(self, ref: Ref | None) -> None:
        """A value that is read, with all that leads to it."""
        waiting = [ref]
        while waiting:
            current = waiting.pop()
            if current is None or current.owner not in self.steps:
                continue
            if current.slot == REGION_INPUT:  # the value is the region's own first input
                waiting += self.steps[current.owner].inputs
            else:
                waiting += self.reads(current.owner)

    def mark_step(self, identifier: int) -> None:
        """A step that is needed whatever reads it."""
        for ref in self.reads(identifier):
            self.mark(ref)

    def reads(self, identifier: int) -> list[Ref | None]:
        """What a step reads that was not needed so far, and the regions around it read."""
        found: list[Ref | None] = []
        around: int | None = identifier
        while around is not None and around not in self.found:
            self.found.add(around)
            step = self.steps[around]
            found += step.inputs
            found += ends(step.action)
            found += (ref for _, ref in step.exports)
            around = self.parents.get(around)
        return found


def names_of(expression: Expr | None) -> frozenset[str]:
    """The names in an expression, where there is one."""
    return frozenset() if expression is None else free_names(expression)


def names_in_type(stated: TypeExpr | None) -> Iterator[str]:
    """The names in a type's dims."""
    for dim in () if stated is None or stated.dims is None else stated.dims:
        if dim is not ELLIPSIS:
            yield from free_names(dim)  # pyright: ignore[reportArgumentType]


def names_in_module(module: Module) -> Iterator[str]:
    """Every name that a module's expressions use."""
    for param in module.params:
        yield from names_of(param.default)
    for item in module.inputs:
        yield from names_in_type(item.type)
    for fact in module.where:
        yield from free_names(fact)
    for step in all_steps(module.body):
        for expression in expressions_of(step, step.action):
            yield from free_names(expression)


def names_in_defaults(program: Program) -> set[str]:
    """Every name in `defaults`."""
    found: set[str] = set()
    for attributes, initialisers in program.defaults.values():
        for expression in attributes.values():
            found |= free_names(expression)
        for initialiser in initialisers.values():
            for _, expression in initialiser.arguments:
                found |= free_names(expression)
    return found
