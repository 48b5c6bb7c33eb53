"""How the steps of a phase that have weights fall into parts, and the sizes that a part knows.

What a function has to do itself parts them: a gradient, and the call of a model that cannot be handed
on. Steps behind it are in another part than those before it. So are the steps that read the value by
which a gradient is taken, since it leads through whole parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

from dslc.emit.lifting import calls_model, read_by
from dslc.ir.dims import symbols_of
from dslc.ir.graph import MODULE
from dslc.syntax.expressions import Compare, Literal, Name, free_names, parse_expression
from dslc.syntax.types import TypeExpr
from dslc.train.gradient import is_gradient

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Module, Program, Step
    from dslc.ir.types import TensorType
    from dslc.source import Span
    from dslc.syntax.expressions import Expr
    from dslc.train.training import Phase

    Types = dict[tuple[int, str], TensorType]


class PartOfSteps(NamedTuple):
    """The steps of one part that have weights, and all that may stand with them."""

    heavy: set[int]
    near: set[int]


def parts_of(graph: Module, heavy: Sequence[Step], program: Program) -> list[PartOfSteps]:
    """The parts of a graph's steps, each of which reads nothing of those behind it."""
    steps = graph.body.steps
    bounds = {step.id for step in steps if is_gradient(step)}
    bounds |= {s.id for s in steps if not program.has_several and calls_model(s, program)}
    taken = {ref.key for step in steps if is_gradient(step) for ref in step.inputs[1:] if ref}
    levels: dict[int, int] = {MODULE: 0}
    for step in steps:
        reads = [(ref, ref.owner in bounds or ref.key in taken) for ref in read_by(step)]
        levels[step.id] = max((levels[ref.owner] + is_apart for ref, is_apart in reads), default=0)
    parts: list[PartOfSteps] = []
    for level in sorted({levels[step.id] for step in heavy}):
        near = {step.id for step in steps if levels[step.id] == level} - bounds
        parts.append(PartOfSteps({step.id for step in heavy if step.id in near}, near))
    return parts


def types_of(phase: Phase) -> Types:
    """The types of the values of a phase's graph."""
    instance = phase.instance
    found: Types = {(MODULE, name): type for name, type in instance.inputs.items()}
    for step in instance.body.steps:
        last = step.iterations[-1] if step.iterations else None
        for slot, type in last.outputs.items() if last is not None else ():
            found[step.step.id, slot] = type
    return found


@final
class Sizes:
    """The sizes of a model's inputs as a spec would write them: a composite one has a name there."""

    def __init__(self, types: Sequence[TensorType], span: Span) -> None:
        self.span = span
        dims = [dim for type in types for dim in type.shape]
        self.plain = {str(dim) for dim in dims if not isinstance(dim, int)} & {
            name for dim in dims for name in symbols_of(dim)
        }
        taken = {name for dim in dims for name in symbols_of(dim)}
        self.named: dict[DimLike, str] = {}
        for dim in dims:
            if not isinstance(dim, int) and str(dim) not in self.plain and dim not in self.named:
                names = ("S" + "_" * count for count in range(len(dims) + len(taken) + 1))
                self.named[dim] = next(name for name in names if name not in taken)
                taken.add(self.named[dim])

    def written(self, type: TensorType) -> TypeExpr:
        """A type as a spec would write it."""
        return TypeExpr(type.dtype, tuple(map(self.dim, type.shape)), self.span)

    def dim(self, dim: DimLike) -> Expr:
        """A size."""
        if isinstance(dim, int):
            return Literal(dim, self.span)
        return Name(self.named.get(dim, str(dim)), self.span)

    def facts(self, given: Sequence[Expr]) -> Iterator[Expr]:
        """What is known of the sizes: facts of the graph, and what composite ones are."""
        symbols = {*self.plain, *self.named.values()}
        for fact in given:
            if {name for name in free_names(fact) if name[0].isupper()} <= symbols:
                yield fact
        for dim, name in self.named.items():
            if symbols_of(dim) <= self.plain:
                size = parse_expression(str(dim), self.span)
                yield Compare(Name(name, self.span), ("==",), (size,), self.span)
