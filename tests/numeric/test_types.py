"""The inferred type of every case is the stated one; a wrong case has the stated code."""

import pytest

from dslc.diagnostics import Report
from dslc.ir.dims import Dim, DimLike, sym
from dslc.ir.facts import Facts
from dslc.ir.types import TensorType
from dslc.passes.binding import Binder
from dslc.passes.pipeline import Checked, check_source
from dslc.source import Source, Span
from dslc.syntax.expressions import free_names
from dslc.syntax.types import parse_type
from tests.numeric.table import RIGHT, WRONG, Case, check, spec


@pytest.mark.parametrize("case", RIGHT, ids=repr)
def test_inferred_type(case: Case) -> None:
    checked = check(spec([case]))
    for slot, name in zip(case.gives, case.outputs(), strict=True):
        found = checked.instance.outputs[name]
        stated = stated_type(case.gives[slot], checked)
        assert same(found, stated, checked.facts), f"{found} is not {stated}"


@pytest.mark.parametrize("case", WRONG, ids=repr)
def test_wrong_case_has_its_code(case: Case) -> None:
    report = Report()
    assert check_source(Source("net.yaml", spec([case])), report) is None
    assert case.fails in [item.code for item in report.diagnostics], report.diagnostics


def stated_type(text: str, checked: Checked) -> TensorType:
    stated, binder = parse_type(text, Span("case", 1, 1, 1, 1)), Binder(Report(), checked.facts)
    shape: list[DimLike] = []
    for dim in stated.dims or ():
        assert dim is not ...
        size = binder.evaluate(dim, {name: sym(name) for name in free_names(dim)})
        assert isinstance(size, int | Dim)
        shape.append(size)
    return TensorType(stated.dtype, tuple(shape))


def same(left: TensorType, right: TensorType, facts: Facts) -> bool:
    if left.dtype != right.dtype or left.rank != right.rank:
        return False
    pairs = zip(left.shape, right.shape, strict=True)
    return all(facts.decide("==", a, b).shown for a, b in pairs)
