"""What a repeat runs over: all of its items where it runs, what is known of them where it is made.

An item that holds a size of a run (`over: [[64, H // 2], [32, H]]`) is whole in the loop that runs the
layers. The loop that makes them takes the items' other parts, or the count alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.formal_when import holds_size
from dslc.syntax.expressions import ListOf, Literal, evaluate
from dslc.values import is_list

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dslc.emit.formal import FormalStep
    from dslc.syntax.expressions import Expr


def items_of_runs(found: FormalStep) -> list[str]:
    """The names of a repeat's items that hold, in some round, a size that only a run knows."""
    repeat = found.step.repeat
    names = () if repeat is None or repeat.over is None else repeat.names
    rounds = [sample.environment for sample in found.samples]
    return [name for name in names if any(holds_size(env.get(name)) for env in rounds)]


def rounds_made(found: FormalStep) -> tuple[Sequence[str], Expr, bool]:
    """The names of the items, the items or their number, and whether it is the number."""
    repeat = found.step.repeat
    assert repeat is not None
    if repeat.over is None:
        assert repeat.times is not None
        return (), repeat.times, True
    of_runs = items_of_runs(found)
    if not of_runs:
        return repeat.names, repeat.over, False
    known = [name for name in repeat.names if name not in of_runs]
    if isinstance(repeat.over, ListOf) and known:
        return known, parts(repeat.over, repeat.names, known), False
    items = evaluate(repeat.over, found.samples[0].environment)
    assert is_list(items)
    return (), Literal(len(items), repeat.over.span), True


def parts(items: ListOf, names: Sequence[str], wanted: Collection[str]) -> ListOf:
    """A list of items with the parts of some names alone."""

    def of(item: Expr) -> Expr:
        if len(names) == 1:
            return item
        assert isinstance(item, ListOf)
        kept = [part for name, part in zip(names, item.items, strict=True) if name in wanted]
        return kept[0] if len(kept) == 1 else ListOf(tuple(kept), item.span)

    return ListOf(tuple(map(of, items.items)), items.span)
