"""Loops, conditions, shared weights and sizes at run time: what is written, and that it is right."""

import pytest

from dslc.emit.backend import BuildError
from tests.keras.networks import agrees, source, spec

IMAGE = 'inputs: {image: "f32[N, 3, H, W]"}\nwhere: [H >= 4, W >= 4]\n'


def body(text: str) -> str:
    """The last function of a module."""
    return text[text.rindex("\ndef ") :]


def test_a_condition_is_an_if_around_what_it_guards():
    checked = spec(f"""
params: {{deep: true, rate: 0.0}}
{IMAGE}
steps:
  - conv2d: {{out: 4, kernel: 3, padding: 1}}
    name: stem
  - conv2d: {{out: 4, kernel: 1}}
    name: extra
    when: deep
  - dropout: rate
    when: rate > 0
  - group:
      - conv2d: {{out: 4, kernel: 1}}
      - relu
    name: tail
    when: not deep
outputs: {{y: tail}}
""")
    text = body(source(checked))
    assert "    if deep:\n        x = " in text
    assert "tail" not in text
    assert not agrees(checked)


def test_what_is_needed_after_a_condition_is_kept():
    checked = spec(f"""
params: {{deep: true}}
{IMAGE}
steps:
  - conv2d: {{out: 4, kernel: 3, padding: 1}}
    name: stem
  - relu
  - conv2d: {{out: 4, kernel: 1}}
    name: extra
    when: deep
  - add:
    from: [stem, extra]
    name: sum
outputs: {{y: sum}}
""")
    assert not agrees(checked)


def test_loops_keep_what_every_round_reads():
    checked = spec("""
params: {depth: 3}
inputs: {x: "f32[N, T, 6]"}
steps:
  - linear: 6
    name: start
  - linear: 6
    name: other
    from: x
  - group:
      - linear: 6
        name: inner
      - tanh:
        name: bent
      - add:
        from: [bent, other]
      - mul:
        from: [bent, start]
    name: level
    repeat: depth
  - add:
    from: [level, other]
    name: sum
outputs: {y: sum, start: start}
""")
    text = body(source(checked))
    assert "for i in range(depth):" in text
    assert 'name=f"level-{i}-inner"' in text
    assert not agrees(checked)


def test_loops_in_loops_have_indexes_of_their_own():
    checked = spec("""
params: {sizes: [[4, 2], [6, 1]]}
inputs: {x: "f32[N, 3]"}
steps:
  - group:
      - linear: width
        name: fc
        repeat: times
      - group:
          - linear: width
          - silu
        name: deep
        repeat: {times: 2, index: k}
    name: level
    repeat: {over: sizes, as: [width, times]}
outputs: {y: level}
""")
    text = body(source(checked))
    assert "for i, (width, times) in enumerate(sizes):" in text
    assert "for j in range(times):" in text
    assert 'name=f"level-{i}-deep-{k}-linear"' in text
    assert not agrees(checked)


def test_names_of_the_spec_do_not_collide_with_variables():
    checked = spec("""
params: {y: 2, rows: 3, layers: 4, w: 5}
inputs: {keras: "f32[N, 3]", x: "f32[N, 3]"}
blocks:
  Block:
    params: {x_: int, label: int}
    inputs: {x: "f32[N, D]"}
    steps:
      - linear: x_
        name: ops
      - linear: label
        name: path
steps:
  - linear: w
    from: keras
    name: z
  - linear: layers
    name: u
    from: x
  - concat: 1
    from: [u, z]
  - Block: {x_: y, label: rows}
    name: block
    repeat: {times: y, index: z_}
outputs: {out: block}
""")
    assert not agrees(checked)


SHARED = """
params: {n: 3}
inputs: {x: "f32[N, T, 6]"}
blocks:
  Mixer:
    inputs: {x: "f32[N, T, D]", other: "f32[N, T, D]"}
    steps:
      - linear: D
        name: fc
      - add:
        from: [fc, other]
      - gelu
steps:
  - linear: 6
    name: fc
    repeat: {times: n, share: true}
  - Mixer:
    name: mixer
    repeat: {times: n, share: true}
    from: [fc, x]
  - group:
      - linear: 6
        name: a
      - tanh
      - Mixer:
        name: b
        from: {x: a, other: x}
    name: core
    repeat: {times: 2, share: true}
outputs: {y: core}
"""


def test_shared_rounds_call_one_layer():
    checked = spec(SHARED)
    text = body(source(checked))
    assert 'fc = layers.Dense(6, name="fc")' in text
    assert "for _ in range(n):" in text
    assert "shared(mixer, y, x, " in text
    assert not agrees(checked)


def test_sizes_at_run_time_are_read_in_layers():
    checked = spec("""
params: {keep: 2}
inputs: {x: "f32[N, T, 6]", image: "f32[N, 4, H, W]"}
where: [T >= 4, H >= 2, W >= 2]
blocks:
  Half:
    inputs: {x: "f32[N, T, D]"}
    steps:
      - linear: D
        name: fc
      - slice: {axis: 1, start: keep}
        name: rest
      - slice: {axis: 1, stop: T // 2}
        name: first
        from: fc
    outputs: {rest: rest}
steps:
  - Half:
    name: part
  - parameter: [9, 6]
    name: table
  - slice: {axis: 0, stop: "min(T, 9)"}
    name: rows
  - reshape: [N, T, 2, 3]
    name: pairs
    from: x
  - transpose: [0, 2, 1, 3]
    name: turned
  - reshape: [N, 2, T * 3]
    name: joined
  - reshape: [N, H, W * 4]
    from: image
    name: lines
  - flatten: 2
    from: image
    name: pixels
outputs: {first: part, rest: part.rest, rows: rows, pairs: pairs, joined: joined, lines: lines, pixels: pixels}
""")
    text = source(checked)
    assert "ops.shape(x)[1]" in text
    assert "class First(layers.Layer)" in text
    assert "class Rest" not in text
    assert not agrees(checked)


def test_layouts_meet_without_needless_transposes():
    checked = spec(f"""
{IMAGE}
steps:
  - conv2d: {{out: 4, kernel: 3, padding: 1}}
    name: stem
  - parallel:
      branches:
        - - conv2d: {{out: 2, kernel: 1}}
        - - max_pool2d: {{kernel: 3, stride: 1, padding: 1}}
        - []
      join: concat
  - softmax: 1
  - split: {{sizes: [3, 7], axis: 1}}
    name: parts
  - slice: {{axis: 1, start: 1, stop: 3}}
    from: parts.1
    name: some
  - reduce_mean: [2, 3]
    name: mean
outputs: {{mean: mean, some: some}}
""")
    assert source(checked, "native").count("layers.Permute") == 2
    assert not agrees(checked)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("mask", ["[N, S]", "[1, 2, T, S]", "[1, S]", "[2, 1, S]"])
def test_masks_of_every_rank(mask, causal):
    checked = spec(f"""
inputs: {{x: "f32[N, T, 8]", y: "f32[N, S, 6]", seen: "bool{mask}"}}
where: [T <= S]
steps:
  - multi_head_attention: {{heads: 2, causal: {str(causal).lower()}}}
    from: {{query: x, key: y, mask: seen}}
    name: attention
outputs: {{y: attention}}
""")
    assert ("CausalMask()(" in source(checked)) == causal
    assert not agrees(checked)


def test_a_size_that_a_layer_needs_must_be_known():
    checked = spec(f"""
{IMAGE}
steps:
  - max_pool2d: {{kernel: [H, 1]}}
    name: column
outputs: {{y: column}}
""")
    with pytest.raises(BuildError, match="`H` of `Net` is known only when the model runs"):
        source(checked)
