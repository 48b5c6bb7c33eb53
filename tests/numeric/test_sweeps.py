"""Every op in every dtype that it takes, and at the smallest sizes; a share of that in `make test`."""

import pytest

from tests.numeric import dtypes, small_sizes
from tests.numeric.frameworks import WHOLE, backend_named, backend_params
from tests.numeric.op_support import lacking
from tests.numeric.sweep import outcomes

SPLIT = 24
"""How many cases are tried in one model."""


@pytest.mark.parametrize("backend", backend_params())
def test_dtypes(backend: str) -> None:
    found = backend_named(backend)
    cases = dtypes.variants(every=WHOLE)
    parts = [cases[start : start + SPLIT] for start in range(0, len(cases), SPLIT)]
    every = [item for part in parts for item in outcomes(found, part, dtypes.compared)]
    faults = [repr(item) for item in every if item.fault]
    assert not faults, "\n".join(faults)
    told = lacking()
    wrong = [
        item
        for item in every
        if item.lack != told.get((item.case.op, backend, item.case.dtype), "")
    ]
    told_by = "python -m tests.numeric.op_support --dtypes takes:"
    assert not wrong, "\n".join([told_by, *map(repr, wrong)])


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@pytest.mark.parametrize("backend", backend_params())
def test_smallest_sizes(backend: str) -> None:
    found = backend_named(backend)
    sets = small_sizes.smallest_sets(backend, every=WHOLE)
    every = [item for cases in sets for item in outcomes(found, cases, small_sizes.compared)]
    wrong = [repr(item) for item in every if item.fault or item.lack not in ("", "kernel")]
    assert not wrong, "\n".join(wrong)
