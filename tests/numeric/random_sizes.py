"""Random specs whose steps change sizes: strides, paddings, pools, patches, windows, joins, caches.

A value is an image `[N, C, H, W]` or a sequence `[N, T, D]` with a known width (`C` or `D`). Some
steps state their `type` and so name the size that they leave, for reshapes and windows after them.
Many of these specs need facts: those that the checker asks for are added.
"""

from typing import Any

from hypothesis import strategies as st

Step = Any
Value = tuple[str, int]
"""A kind (`image` or `sequence`) and a width."""

SIDES = st.sampled_from([1, 2, 3, 4, 5, [2, 3], [1, 4]])
STRIDES = st.sampled_from([1, 2, 2, 3, [1, 2], [3, 2]])
PADDINGS = st.sampled_from([0, 0, 1, 2, [0, 1]])


@st.composite
def convolution(draw: st.DrawFn, width: int) -> Step:
    """A convolution of any geometry that keeps the width."""
    padding = draw(st.one_of(st.just("same"), PADDINGS))
    fields = {"out": width, "kernel": draw(SIDES), "stride": draw(STRIDES), "padding": padding}
    if draw(st.integers(0, 3)) == 0:
        fields["dilation"] = draw(st.sampled_from([2, 3, [1, 2]]))
    return {"conv2d": fields}


@st.composite
def transposed(draw: st.DrawFn, width: int) -> Step:
    """A transposed convolution that keeps the width."""
    stride = draw(st.sampled_from([1, 2, 3]))
    more = draw(st.integers(0, stride - 1))
    kernel, padding = draw(st.integers(1, 4)), draw(st.integers(0, 1))
    fields = {"out": width, "kernel": kernel, "stride": stride, "padding": padding}
    return {"conv_transpose2d": {**fields, "output_padding": more}}


@st.composite
def pool(draw: st.DrawFn) -> Step:
    """A pool of any geometry."""
    kernel = draw(st.integers(1, 4))
    padding = draw(st.integers(0, kernel // 2))
    kind = draw(st.sampled_from(["max_pool2d", "avg_pool2d", "lp_pool2d"]))
    fields = {"kernel": kernel, "stride": draw(STRIDES), "padding": padding}
    fields = draw(st.sampled_from([fields, {"kernel": kernel}]))
    if kind != "lp_pool2d" and draw(st.booleans()):
        fields = {**fields, "ceil": True}
    if kind == "avg_pool2d":
        fields = {**fields, "count_padding": draw(st.booleans())}
    return {kind: fields}


@st.composite
def by_channel(draw: st.DrawFn, width: int) -> Step:
    """A convolution of each channel by itself, alone or with one over the channels behind it."""
    padding = draw(st.one_of(st.just("same"), PADDINGS))
    fields = {"kernel": draw(SIDES), "stride": draw(STRIDES), "padding": padding}
    separable = {"separable_conv2d": {"out": width, **fields}}
    return draw(st.sampled_from([{"depthwise_conv2d": fields}, separable]))


@st.composite
def joined(draw: st.DrawFn, width: int) -> Step:
    """Two paths over one image that meet again."""
    paths = [draw(st.lists(resizing(width), max_size=2)) for _ in range(2)]
    form = draw(st.sampled_from(["residual", "shortcut", "height", "width"]))
    if form == "residual":
        return {"residual": paths[0]}
    if form == "shortcut":
        return {"residual": {"main": paths[0], "shortcut": paths[1]}}
    axis = 2 if form == "height" else 3
    return {"parallel": {"branches": paths, "join": "concat", "axis": axis}}


COMPUTED: list[Step] = [
    {"resize": {"size": ["H // 2", "W"]}},
    {"resize": {"size": ["H - 3", "max(W - 5, 1)"]}},
    {"tile": [1, 1, "H - 2", 1]},
    {"tile": [1, 1, 1, "H % 3 + 1"]},
    {"pad": {"before": [0, 0, "H - 3", 0], "after": [0, 0, 0, "-W % 4"]}},
    {"slice": {"axis": 2, "start": "H // 2"}},
    {"slice": {"axis": 3, "start": "W % 4", "stop": "W // 2 + 2"}},
    {"max_pool2d": {"kernel": [1, "W // 3"], "stride": 1}},
    {"avg_pool2d": {"kernel": 2, "stride": ["H // 4", 1]}},
    {"adaptive_avg_pool2d": ["H // 2", 1]},
    {"adaptive_max_pool2d": [1, "W // 3"]},
    {"adaptive_avg_pool2d": [2, 3]},
    {"expand": ["N", "C", "H", "W"]},
    {"slice": {"axis": 2, "stop": "min(H, 7)"}},
    {"slice": {"axis": 3, "start": "max(W - 6, 0)"}},
]
"""Steps whose attributes are computed from the sizes of the input."""


def resizing(width: int) -> st.SearchStrategy[Step]:
    """A step on an image that may change its height and width, and nothing else."""
    before = st.integers(0, 2)
    return st.one_of(
        convolution(width),
        convolution(width),
        pool(),
        transposed(width),
        st.builds(lambda top, left: {"pad": {"before": [0, 0, top, left]}}, before, before),
        st.builds(lambda axis, start: {"slice": {"axis": axis, "start": start}},
                  st.sampled_from([2, 3]), st.integers(0, 3)),
        st.builds(lambda axis, stop: {"slice": {"axis": axis, "start": 1, "stop": stop}},
                  st.sampled_from([2, -1]), st.sampled_from([4, -1, -2])),
        st.sampled_from([{"resize": {"scale": 2}}, {"tile": [1, 1, 2, 1]}, {"flip": 2}]),
        st.sampled_from([{"roll": {"shift": 2, "axis": 2}}, {"cumsum": 3},
                         {"instance_norm": {"affine": False}}, {"local_response_norm": 3},
                         {"top_k": {"k": 3, "axis": 2}}, {"pad": {"before": [0, 0, 2, 1],
                                                                  "mode": "reflect"}}]),
        by_channel(width),
        st.sampled_from(COMPUTED),
    )  # fmt: skip


@st.composite
def halves(draw: st.DrawFn, number: int) -> list[Step]:
    """A split along a symbolic axis whose parts meet again."""
    axis, parts = draw(st.sampled_from([2, 3])), draw(st.integers(2, 3))
    name = f"parts_{number}"
    more = draw(st.sampled_from(["add", "concat"]))
    join = {more: {"axis": axis}} if more == "concat" else {more: {}}
    names = [name, *(f"{name}.{k}" for k in range(1, parts))]
    return [{"split": {"parts": parts, "axis": axis}, "name": name}, {**join, "from": names}]


@st.composite
def windows(draw: st.DrawFn, width: int, number: int) -> tuple[list[Step], Value]:
    """An image cut into windows that become a sequence, by the sizes that a type names."""
    side = draw(st.sampled_from([2, 3, 7]))
    high, wide = f"A{number}", f"B{number}"
    steps: list[Step] = [{"relu": {}, "type": f"f32[N, {width}, {high}, {wide}]"}]
    rows = draw(st.sampled_from([f"{high} // {side}", -1]))
    cut: Step = {"reshape": ["N", width, rows, side, f"{wide} // {side}", side]}
    steps += [cut, {"transpose": [0, 2, 4, 3, 5, 1]}]
    if draw(st.booleans()):
        rest = {"reshape": ["N", -1, side * side * width]}
        return [*steps, rest], ("sequence", side * side * width)
    flat = {"reshape": [f"N * ({high} // {side}) * ({wide} // {side})", side * side, width]}
    return [*steps, flat], ("sequence", width)


@st.composite
def patches(draw: st.DrawFn, width: int) -> tuple[list[Step], Value]:
    """An image as a sequence of its patches."""
    side = draw(st.sampled_from([1, 2, 3, 4]))
    if draw(st.booleans()):
        return [{"patchify": side}], ("sequence", width * side * side)
    if draw(st.booleans()):
        return [{"space_to_depth": side}, {"flatten": 2}, {"transpose": [0, 2, 1]}], (
            "sequence",
            width * side * side,
        )
    cut = {"conv2d": {"out": width, "kernel": side, "stride": side}}
    return [cut, {"flatten": 2}, {"transpose": [0, 2, 1]}], ("sequence", width)


@st.composite
def sequence_steps(draw: st.DrawFn, width: int, number: int) -> tuple[list[Step], Value]:
    """Steps on a sequence."""
    length, factor = f"S{number}", draw(st.sampled_from([2, 3]))
    named: Step = {"tanh": {}, "type": f"f32[M{number}, {length}, {width}]"}
    stride = draw(st.sampled_from([1, 2, 3]))
    conv = {"out": width, "kernel": draw(st.integers(1, 4)), "stride": stride, "padding": "same"}
    turn: Step = {"transpose": [0, 2, 1]}
    same: Value = ("sequence", width)
    name, turned, scores = f"own_{number}", f"turned_{number}", f"scores_{number}"
    own: Step = {"tanh": {}, "name": name}
    choices: list[tuple[list[Step], Value]] = [
        ([{"linear": width}], same),
        ([{"slice": {"axis": 1, "start": draw(st.integers(-2, 2))}}], same),
        ([turn, {"conv1d": conv}, turn], same),
        ([turn, {"max_pool1d": {"kernel": factor, "stride": stride}}, turn], same),
        ([{"multi_head_attention": {"heads": 1, "causal": True}}], same),
        ([named, {"reshape": [f"M{number}", f"{length} // {factor}", factor * width]}],
         ("sequence", factor * width)),
        ([named, {"reshape": [f"M{number}", -1, factor, width]}, {"reduce_mean": 2}], same),
        ([{"split": {"parts": factor, "axis": 1}}], same),
        ([named, {"pad": {"before": [0, 0, 0], "after": [0, f"-{length} % 4", 0]}}], same),
        ([{"reshape": [-1, width]}, {"unsqueeze": 0}], same),
        ([{"tile": [1, factor, 1]}], same),
        ([own, {**turn, "name": turned}, {"matmul": {}, "from": [name, turned], "name": scores},
          {"matmul": {}, "from": [scores, name]}], same),
        ([turn, {"conv_transpose1d": {"out": width, "kernel": factor, "stride": stride}}, turn],
         same),
        ([own, {"scan": {"over": {"v": name}, "steps": [{"linear": width}]}}], same),
        ([{"lstm": width}], same),
        ([{"top_k": {"k": factor, "axis": 1}}], same),
        ([own, {"slice": {"axis": 1, "start": 1}, "name": turned},
          {"concat": {"axis": 1}, "from": [name, turned, name]}], same),
    ]  # fmt: skip
    return draw(st.sampled_from(choices))


@st.composite
def sized_specs(draw: st.DrawFn) -> dict[str, Any]:
    """A whole spec, as data, and the facts that it states itself."""
    kind, width = draw(st.sampled_from(["image", "image", "sequence"])), draw(st.integers(1, 4))
    inputs = {"x": f"f32[N, {width}, H, W]" if kind == "image" else f"f32[N, T, {width}]"}
    steps: list[Step] = []
    where: list[str] = []
    if kind == "sequence" and draw(st.booleans()):
        inputs["past"] = f"f32[N, P, {width}]"
        where = draw(st.sampled_from([["P >= 0"], []]))
        steps.append({"concat": {"axis": 1}, "from": ["past", "x"]})
    for number in range(draw(st.integers(1, 4))):
        if kind == "image":
            if draw(st.integers(0, 4)) == 0:
                turn = st.one_of(windows(width, number), patches(width))
                more, (kind, width) = draw(turn)
            else:
                one = st.one_of(resizing(width), resizing(width), joined(width)).map(lambda s: [s])
                more = draw(st.one_of(one, one, halves(number)))
        else:
            more, (kind, width) = draw(sequence_steps(width, number))
        steps += more
    steps.append({"tanh": {}, "name": "last"})
    facts = {"where": where} if where else {}
    return {"dslc": 1, "name": "Sizes", "inputs": inputs, **facts, "steps": steps,
            "outputs": {"y": "last"}}  # fmt: skip
