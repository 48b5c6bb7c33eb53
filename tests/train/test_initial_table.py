"""A table of a few rows says what the spec says for every weight."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dslc.passes.pipeline import check_file
from dslc.train.initial_table import call_of, exceptions, fills, initial_table, path_globs
from dslc.train.runtime import initial
from dslc.weights.starting import starting_weights

ROOT = Path(__file__).parents[2]
SPECS = [
    *sorted((ROOT / "specs" / "zoo").glob("*.yaml")),
    ROOT / "examples" / "digits" / "net.yaml",
]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_few_rows_fill_every_weight(path: Path) -> None:
    weights = check_file(str(path)).weights()
    rows = initial_table(weights)
    assert fills(rows, {w.path: call_of(w.initialiser) for w in weights if w.tied is None})
    assert len(rows) <= 9


def test_the_rows_give_the_same_bits_as_the_spec() -> None:
    weights = check_file(str(SPECS[-1])).weights()
    rules: list[tuple[str, Any]] = [
        (glob, getattr(initial, call.partition("(")[0])(**keywords(call)))
        for glob, call in initial_table(weights)
    ]
    shapes = {w.path: tuple(int(str(size)) for size in w.shape) for w in weights}
    found = initial.initial(shapes, rules, 3)
    for name, array in starting_weights(weights, 3).items():
        np.testing.assert_array_equal(found[name], array)


def keywords(call: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"(\w+)=([-\d.e]+)", call)}


NAMES = st.sampled_from(["weight", "bias"])
PATHS = st.tuples(
    st.sampled_from(["a", "b.0", "b.1", "c.d"]),
    st.sampled_from(["norm", "norm1", "conv", "conv_1"]),
    NAMES,
).map(".".join)


@given(st.dictionaries(PATHS, st.sampled_from(["zeros()", "ones()", "normal()"]), min_size=1))
def test_any_assignment_has_a_table(wanted: dict[str, str]) -> None:
    for name in {path.rpartition(".")[2] for path in wanted}:
        rows = [*exceptions(wanted, name, "zeros()"), (f"**.{name}", "zeros()")]
        own = {path: call for path, call in wanted.items() if path.endswith(f".{name}")}
        assert fills(rows, own)


def test_globs_of_paths_touch_no_others() -> None:
    assert path_globs(["layer.0.**", "layer.1.**"], ["head.weight"]) == ["layer.*.**"]
    assert path_globs(["layer.0.**"], ["layer.1.weight"]) == ["layer.0.**"]
