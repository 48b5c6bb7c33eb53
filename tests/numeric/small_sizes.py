"""Every case at the smallest sizes that its facts allow, and with one size 0 where the checker takes that.

A symbol is a positive integer unless a fact says that it may be 0, so each case is tried with such a
fact for each of its symbols; most ops take it, and those that need an element say so.
"""

import copy
from collections.abc import Sequence
from itertools import islice
from typing import Any
from zlib import crc32

from dslc.diagnostics import Report
from dslc.ir.dims import sym
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source
from dslc.tools.verify_figures import FORWARD, values_apart
from dslc.tools.verify_reference import run
from tests.numeric.frameworks import DEVICE
from tests.numeric.judge import Batch, of_case
from tests.numeric.sweep import Outcome
from tests.numeric.table import BATCHES, RIGHT, Case, spec

SMALLEST, NOTHING = 8, 24
"""Each how-many-th case is tried in every run of the tests at the smallest sizes, with a size 0."""
LOOK_AT = 2000


def smallest(checked: Checked) -> dict[str, int]:
    """The sizes with the least sum that the facts allow."""
    types = checked.instance.inputs.values()
    dims = [dim for type in types for dim in type.shape if not isinstance(dim, int)]
    names = sorted({name for dim in dims for name in dim.symbols()})
    if not names:
        return {}
    search = checked.facts.search(sum(map(sym, names), 0), 0)
    found = (dict(sizes) for sizes in islice(search.environments(2 * LOOK_AT), LOOK_AT))
    return min(found, key=lambda sizes: sum(sizes.values()))


def with_nothing(*, every: bool) -> list[list[Case]]:
    """Cases of which one size may be 0, those of equal facts together."""
    found: dict[tuple[object, ...], list[Case]] = {}
    for case in RIGHT:
        types = " ".join(case.input_types().values())
        for name in sorted(
            {word for word in "NTSHWL" if f"[{word}" in types or f", {word}" in types}
        ):
            if not picked(f"{case.name} {name}", NOTHING, every=every):
                continue
            other = copy.copy(case)
            other.where = (*case.where, f"{name} >= 0")
            if check_source(Source("net.yaml", spec([other])), Report()) is not None:
                found.setdefault((case.turned, *other.where), []).append(other)
    return list(found.values())


def smallest_sets(backend: str, *, every: bool) -> list[list[Case]]:
    """The cases that a backend has, in sets that share their facts."""
    some = [
        [case for case in cases if picked(case.name, SMALLEST, every=every)]
        for cases in BATCHES.values()
    ]
    sets = [*some, *with_nothing(every=every)]
    return [[case for case in cases if backend not in case.gaps] for cases in sets]


def picked(name: str, share: int, *, every: bool) -> bool:
    """Whether something is of the stable share that is tried."""
    return every or crc32(name.encode()) % share == 0


def compared(backend: Any, cases: Sequence[Case]) -> list[Outcome]:
    """The values of one model that has all of these cases at its smallest sizes."""
    batch = Batch(list(cases))
    comparison = batch.comparison
    expected = comparison.reference.case(smallest(batch.checked), 0, training=False)
    driver = backend.driver(batch.checked, device=DEVICE)
    found = run(driver, comparison.weights, frozenset(), expected.inputs, training=False)
    figures = {
        case: values_apart(of_case(case, found), of_case(case, expected.outputs)) for case in cases
    }
    fine = {case for case, d in figures.items() if min(d.max_rel, d.max_abs) <= FORWARD}  # of 0 too
    return [Outcome(case, "" if case in fine else repr(d)) for case, d in figures.items()]
