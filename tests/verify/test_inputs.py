"""Random inputs: ids below what looks them up, wherever they pass on the way."""

import numpy as np
import pytest

from dslc.emit.backend import BuildError
from dslc.ir.dims import sym
from dslc.ir.types import TensorType
from dslc.tools.verify_inputs import ceilings, draw_inputs
from tests.numeric.table import check

HEAD = "dslc: 1\nname: Net\n"


def below(text: str) -> dict[str, int]:
    found = ceilings(check(HEAD + text).instance)
    return {
        name: min(size for size in sizes if isinstance(size, int)) for name, sizes in found.items()
    }


def test_ids_stay_below_the_vocabulary() -> None:
    text = """
inputs: {ids: "i64[N, T]"}
steps: [{embedding: {vocab: 5, dim: 4}}]
outputs: {y: embedding}
"""
    assert below(text.replace("y: embedding", "y: e").replace("[{emb", "[{name: e, emb")) == {
        "ids": 5
    }


def test_the_least_of_several_look_ups_counts_and_ids_are_followed_through_blocks() -> None:
    text = """
inputs: {ids: "i32[N, T]", other: "i64[N]"}
blocks:
  Look:
    params: {vocab: int}
    steps:
      - reshape: [-1]
      - embedding: {vocab: vocab, dim: 2}
steps:
  - slice: {axis: 1, index: 0}
    name: first
    from: ids
  - parallel:
      branches: {a: [{Look: {vocab: 9}}], b: [{cast: i64}, {Look: {vocab: 4}}]}
      join: add
    name: looked
    from: first
outputs: {y: looked}
"""
    assert below(text) == {"ids": 4, "other": 4}


def test_labels_stay_below_the_classes() -> None:
    text = """
inputs: {logits: "f32[N, T, 3]", label: "i64[N, T]"}
steps:
  - cross_entropy: {axis: -1}
    from: [logits, label]
    name: loss
outputs: {y: loss}
"""
    assert below(text) == {"label": 3}


def test_lengths_stay_within_the_time_axis() -> None:
    text = """
inputs: {x: "f32[N, T, 2]", lengths: "i64[N]"}
steps: [{gru: 3, from: [x, lengths], name: y}]
outputs: {out: y.last}
"""
    instance = check(HEAD + text).instance
    found = draw_inputs(instance.inputs, ceilings(instance), {"N": 400, "T": 3}, 1)
    assert set(found["lengths"]) == {0, 1, 2, 3}


def test_drawn_inputs_have_the_types_and_a_seed_gives_them_again() -> None:
    text = """
inputs: {x: "f32[N, 2]", ids: "u8[N]", mask: "bool[N, T]", flag: "bool[]"}
steps: [{relu: , name: y, from: x}]
outputs: {out: y}
"""
    types = check(HEAD + text).instance.inputs
    first, again, other = (
        draw_inputs(types, {"ids": (3,)}, {"N": 40, "T": 5}, seed) for seed in (1, 1, 2)
    )
    assert {name: (array.dtype.name, array.shape) for name, array in first.items()} == {
        "x": ("float32", (40, 2)),
        "ids": ("uint8", (40,)),
        "mask": ("bool", (40, 5)),
        "flag": ("bool", ()),
    }
    assert first["ids"].max() == 2
    assert first["mask"].any(axis=-1).all()
    assert not first["mask"].all()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["x"], other["x"])


def test_integers_that_nothing_fits_are_said() -> None:
    types = {"ids": TensorType("i64", (sym("N"),))}
    with pytest.raises(BuildError, match=r"i64\[N\]: what reads them takes 1 and more, .* below 1"):
        draw_inputs(types, {"ids": (1,)}, {"N": 3}, 0, {"ids": 1})
