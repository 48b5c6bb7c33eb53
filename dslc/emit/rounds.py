"""What a repeat runs over: all of its items where it runs, what is known of them where it is made.

An item that holds a size of a run (`over: [[64, H // 2], [32, H]]`) is whole in the loop that runs the
layers. The loop that makes them takes the items' other parts, or the count alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.formal_when import holds_size
from dslc.syntax.expressions import ListOf, Literal, evaluate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dslc.emit.formal import FormalStep
    from dslc.syntax.expressions import Expr


def rounds_made(found: FormalStep) -> tuple[Sequence[str], Expr, bool]:
    """The names of the items, the items or their number, and whether it is the number."""
    repeat = found.step.repeat
    assert repeat is not None
    if repeat.over is None:
        assert repeat.times is not None
        return (), repeat.times, True
    rounds = [sample.environment for sample in found.samples]
    of_runs = {name for name in repeat.names if any(holds_size(env.get(name)) for env in rounds)}
    if not of_runs:
        return repeat.names, repeat.over, False
    if isinstance(repeat.over, ListOf) and of_runs < set(repeat.names):
        known = [name for name in repeat.names if name not in of_runs]
        return known, parts(repeat.over, repeat.names, known), False
    items = evaluate(repeat.over, rounds[0])
    assert isinstance(items, tuple)
    return (), Literal(len(items), repeat.over.span), True


def parts(items: ListOf, names: Sequence[str], wanted: Collection[str]) -> ListOf:
    """A list of lists with the parts of some names alone."""

    def of(item: Expr) -> Expr:
        assert isinstance(item, ListOf)
        kept = [part for name, part in zip(names, item.items, strict=True) if name in wanted]
        return kept[0] if len(kept) == 1 else ListOf(tuple(kept), item.span)

    return ListOf(tuple(map(of, items.items)), items.span)
