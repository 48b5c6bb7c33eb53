"""The types of what a reference chooses among the instances of a repeat, in a module's own names.

A dim that the loop's names say (`width * 2**i`) is written with the index in their place. One that
is carried from round to round has no such form; where its sizes are numbers they become a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.emit.flattening import all_formal
from dslc.emit.formal_when import holds_size
from dslc.ir.dims import opaque, substitute, sym, symbols_of, text_of
from dslc.ir.graph import EVERY
from dslc.syntax.expressions import (
    NO_SPAN,
    ExpressionError,
    ListOf,
    Literal,
    free_names,
    parse_expression,
    to_python,
)
from dslc.syntax.expressions import substitute as replaced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.emit.formal import Inference
    from dslc.emit.formal_types import Formal, FormalStep
    from dslc.ir.dims import DimLike
    from dslc.ir.graph import Ref, Repeat
    from dslc.ir.instance import Iteration
    from dslc.ir.types import TensorType
    from dslc.syntax.expressions import Expr


def instance_types(inference: Inference, ref: Ref) -> list[TensorType]:
    """The types of the instances that a reference means."""
    found = inference.found[ref.owner]
    if ref.index != EVERY:
        assert ref.index is not None
        assert not isinstance(ref.index, str)
        return [_at(inference, found, ref, ref.index)]
    runs = runs_by_instance(inference, found)
    counts = {len(run) for run in runs}
    if len(counts) != 1:
        path = f"`{found.step.label}.*`"
        raise BuildError(
            f"{path} has {min(counts)} values in one call and {max(counts)} in another"
        )
    return [_at(inference, found, ref, Literal(k, NO_SPAN)) for k in range(counts.pop())]


def runs_by_instance(inference: Inference, found: FormalStep) -> list[list[Iteration | None]]:
    """What a step did, by instance of its module."""
    samples = inference.samples[found.step.id]
    count = len(inference.formal.instances)
    if len(samples) % count:
        return [samples[: len(samples) // count], samples]
    size = len(samples) // count
    return [samples[k * size : (k + 1) * size] for k in range(count)]


def _at(inference: Inference, found: FormalStep, ref: Ref, index: Expr) -> TensorType:
    """The type of one instance's value."""
    repeat = found.step.repeat
    assert repeat is not None
    names: dict[str, DimLike] = {}
    if repeat.index is not None:
        names[repeat.index] = inference.size(index)
    if repeat.over is not None:
        item = f"{to_python(repeat.over)}[{to_python(index)}]"
        known = free_names(repeat.over) | free_names(index)
        for k, name in enumerate(repeat.names):
            part = f"[{k}]" if len(repeat.names) > 1 else ""
            names[name] = opaque(item + part, known)
    carried = {carry.symbol for carry in found.carries}
    type = found.rounds[ref.slot]
    shape: list[DimLike] = []
    for axis, dim in enumerate(type.shape):
        if symbols_of(dim) & carried:
            shape.append(_table(inference, found, ref.slot, axis, index))
        else:
            shape.append(substitute(dim, names))
    return type.with_shape(*shape)


def _table(inference: Inference, found: FormalStep, slot: str, axis: int, index: Expr) -> DimLike:
    """A carried dim as a table of numbers; a symbol of no meaning where there are none."""
    unknown = sym(f"Carry{found.step.id}_{axis}_kept")
    tables: set[tuple[object, ...]] = set()
    for run in runs_by_instance(inference, found):
        if any(iteration is None for iteration in run):
            return unknown
        tables.add(tuple(i.outputs[slot].shape[axis] for i in run if i is not None))
    sizes = tables.pop()
    if tables or not all(isinstance(size, int) for size in sizes):
        return unknown
    if isinstance(index, Literal) and isinstance(index.value, int):
        size = sizes[index.value]
        assert isinstance(size, int)
        return size
    text = "".join(f"{size}, " for size in sizes).rstrip(" ")
    return opaque(f"({text})[{to_python(index)}]", free_names(index))


def known_outputs(found: FormalStep, callee: Formal) -> dict[str, TensorType]:
    """A callee's outputs, with numbers for sizes that its loops carry and that have no form outside.

    That is right where the size is the same number in every run of the call.
    """
    carried = {c.symbol for step in all_formal(callee.steps) for c in step.carries}
    outputs = dict(callee.outputs)
    for slot, type in outputs.items():
        shape = list(type.shape)
        for axis, dim in enumerate(shape):
            sizes = {run.outputs[slot].shape[axis] for run in found.samples}
            if symbols_of(dim) & carried and len(sizes) == 1:
                (size,) = sizes
                shape[axis] = size if isinstance(size, int) else dim
        outputs[slot] = type.with_shape(*shape)
    return outputs


def type_of_call(
    inference: Inference,
    type: TensorType,
    mapping: Mapping[str, DimLike],
    lists: Mapping[str, Expr],
) -> TensorType:
    """A callee's output with the caller's names in it; an item of a list it is given is that item."""

    def of(dim: DimLike) -> DimLike:
        if symbols_of(dim).isdisjoint(lists):
            return substitute(dim, mapping)
        try:
            written = parse_expression(str(dim), NO_SPAN)
            used = (free_names(written) & mapping.keys()) - lists.keys()
            others = {name: parse_expression(str(mapping[name]), NO_SPAN) for name in used}
            return inference.size(replaced(written, {**others, **lists}))
        except ExpressionError:  # a text that is Python alone
            return substitute(dim, mapping)

    return type.with_shape(*map(of, type.shape))


def summed(repeat: Repeat, growth: DimLike) -> DimLike:
    """The sum of what each round of a repeat adds to a size, which its names are in.

    Inside, these have an underscore before them: no name that comes to stand there later has one.
    """
    rounds = repeat.over if repeat.times is None else repeat.times
    assert rounds is not None
    items, free = to_python(rounds), free_names(rounds)
    if repeat.over is not None and len(repeat.names) == 1 and growth == sym(repeat.names[0]):
        return opaque(f"sum({items})", free)
    used = symbols_of(growth)
    own = {name: f"_{name}" for name in (*repeat.names, repeat.index) if name}
    index = own[repeat.index] if repeat.index in used and repeat.index else ""
    if repeat.over is None:
        header = f"{index} in range({items})"
    else:
        parts = [own[name] if name in used else "_" for name in repeat.names] or ["_"]
        item = ", ".join(parts)
        inner = f"({item})" if len(parts) > 1 else item
        header = f"{index}, {inner} in enumerate({items})" if index else f"{item} in {items}"
    text = text_of(growth, lambda name: own.get(name, name))
    return opaque(f"sum({text} for {header})", free | used - own.keys())


def accumulated(inference: Inference, repeat: Repeat, start: DimLike, growth: DimLike) -> DimLike:
    """A dim behind a loop whose rounds add to it."""
    names = {*repeat.names, *((repeat.index,) if repeat.index else ())}
    if symbols_of(growth) & names:
        return start + summed(repeat, growth)
    if repeat.over is None:
        assert repeat.times is not None
        return start + inference.size(repeat.times) * growth
    return start + opaque(f"len({to_python(repeat.over)})", free_names(repeat.over)) * growth


def unrolled(inference: Inference, found: FormalStep) -> dict[int, DimLike]:
    """Sizes of a run behind a loop that no sum gives, such as halves of halves: round by round."""
    repeat = found.step.repeat
    assert repeat is not None
    type, after = next(iter(found.samples[0].inputs), None), found.outputs[""]
    if type is None or type.rank != after.rank:  # nothing is passed on
        last = last_round(inference, repeat)
        return {k: substitute(size, last) for k, size in enumerate(after.shape)}
    known = {c.symbol for c in found.carries if c.symbol in inference.formal.closed}
    sizes: dict[str, DimLike] = {c.symbol: c.start for c in found.carries}
    rounds = rounds_written(inference, repeat)
    for names in rounds or ():
        sizes = {c.symbol: substitute(c.update, {**sizes, **names}) for c in found.carries}
    of_runs = [c for c in found.carries if holds_size(type.shape[c.axis])]
    return {c.axis: sizes[c.symbol] for c in of_runs if rounds and c.symbol not in known}


def rounds_written(inference: Inference, repeat: Repeat) -> list[dict[str, DimLike]] | None:
    """What a repeat's names are in each round, where the spec writes the rounds out."""
    if isinstance(repeat.over, ListOf):
        rounds = [item_names(inference, repeat, item) for item in repeat.over.items]
    elif isinstance(repeat.times, Literal) and isinstance(repeat.times.value, int):
        rounds: list[dict[str, DimLike]] = [{} for _ in range(repeat.times.value)]
    else:
        return None
    index = repeat.index
    return [{**names, index: k} if index else names for k, names in enumerate(rounds)]


def item_names(inference: Inference, repeat: Repeat, item: Expr) -> dict[str, DimLike]:
    """What an item's names are, its parts where there are several."""
    several = isinstance(item, ListOf) and len(repeat.names) > 1
    parts = item.items if isinstance(item, ListOf) and several else (item,)
    return dict(zip(repeat.names, map(inference.size, parts), strict=True))


def last_round(inference: Inference, repeat: Repeat) -> dict[str, DimLike]:
    """What a repeat's names are in its last round."""
    last: dict[str, DimLike] = {}
    if repeat.over is not None:
        items = to_python(repeat.over)
        names = free_names(repeat.over)
        if isinstance(repeat.over, ListOf) and repeat.over.items:
            last |= item_names(inference, repeat, repeat.over.items[-1])
        elif len(repeat.names) == 1:
            last[repeat.names[0]] = opaque(f"{items}[-1]", names)
        if repeat.index:
            last[repeat.index] = opaque(f"len({items})", names) - 1
    elif repeat.index and repeat.times is not None:
        last[repeat.index] = inference.size(repeat.times) - 1
    return last
