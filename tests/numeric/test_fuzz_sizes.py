"""Sizes are proved: a spec that passes runs at every size that its facts allow, in the shape told.

Specs come without the facts that they need. Those that the checker offers are added, and then the
generated PyTorch model runs at the smallest sizes that they allow and at random ones.
"""

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from dslc.diagnostics import Report
from dslc.ir.dims import evaluate, sym
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source
from tests.numeric.random_sizes import sized_specs

ROUNDS = 3
SMALLEST, RANDOM, GREATEST = 4, 4, 40
MOST_ELEMENTS = 1 << 22


def with_facts(spec: dict[str, Any]) -> Checked | None:
    """The checked spec with the facts that the checker asks for; None where it asks for none."""
    for _ in range(ROUNDS):
        report = Report()
        checked = check_source(Source("net.yaml", json.dumps(spec)), report)
        if checked is not None:
            return checked
        if not report.facts or list(report.facts) == spec.get("where"):
            return None
        spec = {**spec, "where": list(report.facts)}
    return None


def some_sizes(checked: Checked, chance: random.Random) -> list[dict[str, int]]:
    """The smallest sizes that the facts allow, and random ones."""
    types = checked.instance.inputs.values()
    names = sorted({name for type in types for dim in type.shape if not isinstance(dim, int)
                    for name in dim.symbols()})  # fmt: skip
    search = checked.facts.search(sum(map(sym, names), 0), 0)
    found = [dict(env) for env, _ in zip(search.environments(4000), range(SMALLEST), strict=False)]
    for _ in range(400):
        sizes = {name: chance.randint(1, GREATEST) for name in names}
        if all(fact.holds(sizes) for fact in checked.facts.constraints):
            found.append(sizes)
        if len(found) >= SMALLEST + RANDOM:
            break
    return found


@pytest.mark.torch
@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(sized_specs())
def test_fuzz_every_allowed_size_runs(spec: dict[str, Any]) -> None:
    checked = with_facts(spec)
    assume(checked is not None)
    assert checked is not None
    import torch

    from dslc.api import Net

    model = Net(checked).torch().eval()
    for sizes in some_sizes(checked, random.Random(json.dumps(spec))):
        shapes = [tuple(evaluate(dim, sizes) for dim in type.shape)
                  for type in checked.instance.inputs.values()]  # fmt: skip
        told = tuple(evaluate(dim, sizes) for dim in checked.instance.outputs["y"].shape)
        assert all(size > 0 for size in told) or 0 in sizes.values(), (sizes, told)
        if torch.Size(told).numel() > MOST_ELEMENTS:
            continue
        with torch.no_grad():
            found = model(*(torch.rand(shape) for shape in shapes))
        assert tuple(found.shape) == told, (sizes, list(map(str, checked.facts.constraints)))
