"""Sizes for the symbols of a model: small, both parities of each, and within the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.ir.dims import sym, symbols_of
from dslc.ir.fact_search import by_sum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.ir.facts import Facts
    from dslc.ir.types import TensorType

FARTHEST = 4096
DOMAIN = 48
TRIALS = 50_000

Sizes = dict[str, int]


def settings(
    inputs: Mapping[str, TensorType], facts: Facts, *, rows: int, count: int = 2
) -> list[Sizes]:
    """Values for every symbol of the inputs; about `rows` for a batch.

    From one setting to the next each symbol changes its parity, and in each neighbours differ in
    theirs, so that a height is never mistaken for a width; the facts come first.

    Raises:
        BuildError: No values were found that fulfil the facts.
    """
    batch, others = symbols(inputs)
    names = [*batch, *others]
    if not names:
        return [{}]
    found: list[Sizes] = []
    for k in range(count):
        wanted = {name: rows + i - k for i, name in enumerate(batch)}
        wanted |= {name: 5 + i + k for i, name in enumerate(others)}
        sizes = nearest(facts, names, wanted, found)
        if sizes not in found:
            found.append(sizes)
    return found


def symbols(inputs: Mapping[str, TensorType]) -> tuple[list[str], list[str]]:
    """The symbols of the inputs' first axes, and all others, in the order of the text."""
    batch: dict[str, None] = {}
    others: dict[str, None] = {}
    for type in inputs.values():
        for axis, dim in enumerate(type.shape):
            place = batch if axis == 0 else others
            place.update(dict.fromkeys(sorted(symbols_of(dim))))
    return list(batch), [name for name in others if name not in batch]


def nearest(facts: Facts, names: list[str], wanted: Sizes, used: list[Sizes]) -> Sizes:
    """The values nearest to the wanted ones that fulfil the facts."""
    ranked = [domain(facts, name, wanted[name], {sizes[name] for sizes in used}) for name in names]
    for ranks in by_sum([range(len(values)) for values in ranked], TRIALS):
        values = [own[rank] for own, rank in zip(ranked, ranks, strict=True)]
        sizes = dict(zip(names, values, strict=True))
        if all(fact.holds(sizes) for fact in facts.constraints):
            return sizes
    for sizes in facts.search(sum(map(sym, names), 0), 0).environments(TRIALS):
        if all(sizes.get(name, 0) > 0 for name in names):
            return {name: sizes[name] for name in names}
    facts_text = ", ".join(map(str, facts.constraints))
    raise BuildError(f"found no sizes that fulfil the facts: {facts_text}")


def domain(facts: Facts, name: str, wanted: int, used: set[int]) -> list[int]:
    """Values of one symbol: of the wanted parity, new and near before all others."""
    own = [fact for fact in facts.constraints if fact.symbols() == frozenset({name})]
    values: list[int] = []
    for value in range(max(1, facts.lower(name)), FARTHEST + 1):
        if all(fact.holds({name: value}) for fact in own):
            values.append(value)
            if len(values) >= DOMAIN and value >= wanted + DOMAIN:
                break

    def rank(value: int) -> tuple[bool, bool, int]:
        return (value - wanted) % 2 == 1, value in used, abs(value - wanted)

    return sorted(values, key=rank)
