"""Sums that Keras gets right on TensorFlow, told apart from those that it does not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.keras.networks import agrees, source, spec

SIZES = st.sampled_from([1, 2, 3])


@st.composite
def shapes(draw):
    """Two shapes that broadcast, of one to four axes."""
    whole = draw(st.lists(SIZES, min_size=1, max_size=4))
    pair = [
        tuple(draw(st.sampled_from([1, size])) for size in whole)[
            draw(st.integers(0, len(whole))) :
        ]
        for _ in range(2)
    ]
    return tuple(pair)


@given(shapes())
def test_what_is_said_to_be_right_is_right(pair):
    import keras
    from dslc_keras.broadcasting import adds_right
    from dslc_keras.helpers import add

    random = np.random.default_rng(0)
    x, y = (random.normal(size=shape).astype(np.float32) for shape in pair)
    np.testing.assert_array_equal(np.asarray(add(x, y)), x + y)
    if adds_right(x.shape, y.shape):
        np.testing.assert_array_equal(np.asarray(keras.ops.add(x, y)), x + y)


@given(shapes())
def test_sizes_that_are_not_known_are_right_for_all(pair):
    import keras
    from dslc_keras.broadcasting import adds_right

    from dslc.ir.dims import sym

    letters = "ABCD"
    whole = np.broadcast_shapes(*pair)
    named = [
        tuple(
            size if size == 1 else sym(letters[len(whole) - len(shape) + axis])
            for axis, size in enumerate(shape)
        )
        for shape in pair
    ]
    if adds_right(*named):
        x, y = (np.random.default_rng(0).normal(size=s).astype(np.float32) for s in pair)
        np.testing.assert_array_equal(np.asarray(keras.ops.add(x, y)), x + y)


def test_keras_takes_some_terms_for_a_bias():
    import keras

    x, y = np.zeros((2, 1, 6), np.float32), np.zeros((1, 6, 1), np.float32)
    assert np.asarray(keras.ops.add(x, y)).shape == (2, 1, 6), "mended: `add` is not needed"


def test_sums_are_written_plainly_where_that_is_right():
    checked = spec("""
inputs: {x: "f32[N, T, 6]", table: "f32[T, 6]", bias: "f32[6]", gate: "f32[N, 1, 6]", mask: "f32[1, T, 1]"}
steps:
  - add: {}
    from: [x, table]
  - add: {}
    name: plain
    from: [x, table, bias]
  - add: {}
    name: outer
    from: [gate, mask]
outputs: {plain: plain, outer: outer}
""")
    text = source(checked)
    assert "plain = x + table + bias" in text
    assert "outer = add(gate, mask)" in text
    assert not agrees(checked)
