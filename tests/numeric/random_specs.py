"""Random small specs that are right by construction: ops, blocks, branches, groups, repeats, `when`.

A value is an image `[N, C, H, W]`, a sequence `[N, T, D]` or a row `[N, D]`, with a known width
(`C` or `D`). Steps that keep the type may stand anywhere; those that change it only in a plain row
of steps. What comes out is a spec as data, so that a failing one can be read.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import strategies as st

Step = Any
Value = tuple[str, int]
"""A kind (`image`, `sequence` or `row`) and a width."""

ACTIVATIONS = ("relu", "leaky_relu", "gelu", "silu", "sigmoid", "tanh")
FORMULAS = (
    "x * sigmoid(1.702 * x)",
    "x / sqrt(2) + 0.1",
    "max(x, 0.2 * x) - min(x, count)",
    "x if x > 0 else exp(min(x, 0)) - 1",
    "tanh(x) ** 2 * (x > -2)",
    "clip(x, -1, 1) if flag else gelu(x, tanh)",
    "x / sqrt(count + 1) + leaky_relu(-x, slope=0.3)",
    "x if 0 < x <= 1 and not x > 2 else abs(x) / 2",
)
SIZED = "x / sqrt(N + 1) + 0.1 * x"
"""A formula of a size that only a run knows."""
WIDTHS = st.sampled_from([2, 3, 4, 6])
KINDS = {"image": "f32[N, {}, H, W]", "sequence": "f32[N, T, {}]", "row": "f32[N, {}]"}


def activation() -> st.SearchStrategy[Step]:
    formulas = [{"expr": text} for text in (*FORMULAS, SIZED)]
    plain = [*ACTIVATIONS, {"gelu": "tanh"}, {"leaky_relu": 0.3}, {"dropout": 0.3}]
    return st.sampled_from([*plain, *formulas])


@st.composite
def keeping(draw: st.DrawFn, value: Value, depth: int) -> Step:
    """A step whose output has its input's type."""
    kind, width = value
    if depth > 0 and draw(st.integers(0, 3)) == 0:
        return draw(structure(value, depth - 1))
    if draw(st.booleans()):
        return draw(activation())
    if kind == "image":
        return draw(image_step(width))
    if kind == "sequence":
        return draw(sequence_step(width))
    return draw(st.sampled_from([{"linear": width}, "batch_norm", {"softmax": 1}, "layer_norm"]))


@st.composite
def image_step(draw: st.DrawFn, width: int) -> Step:
    """A step on an image that keeps it."""
    kernel = draw(st.sampled_from([1, 2, 3, [1, 3], [3, 2]]))
    divisors = [k for k in (1, 2, 3, 4, 6) if width % k == 0]
    convolution = {"out": width, "kernel": kernel, "padding": "same"}
    if draw(st.booleans()):
        convolution["groups"] = draw(st.sampled_from(divisors))
    if draw(st.booleans()):
        convolution["bias"] = False
    return draw(
        st.sampled_from(
            [
                {"conv2d": convolution},
                {"conv2d": {"out": width, "kernel": 3, "padding": 2, "dilation": 2}},
                {"depthwise_conv2d": {"kernel": kernel, "padding": "same"}},
                {"max_pool2d": {"kernel": 3, "stride": 1, "padding": 1}},
                {"avg_pool2d": {"kernel": kernel, "stride": 1, "padding": "same"}},
                {"batch_norm": {"eps": 0.01, "momentum": 0.3}},
                {"softmax": 1},
                "batch_norm",
            ]
        )
    )


@st.composite
def sequence_step(draw: st.DrawFn, width: int) -> Step:
    """A step on a sequence that keeps it."""
    heads = draw(st.sampled_from([k for k in (1, 2, 3) if width % k == 0]))
    return draw(
        st.sampled_from(
            [
                {"linear": width},
                {"lstm": width},
                {"multi_head_attention": {"heads": heads, "causal": draw(st.booleans())}},
                {"softmax": -1},
                "layer_norm",
                "rms_norm",
            ]
        )
    )


@st.composite
def structure(draw: st.DrawFn, value: Value, depth: int) -> Step:
    """A region or a repeat that keeps the type."""
    inner = draw(st.lists(keeping(value, depth), min_size=1, max_size=3))
    other = draw(st.lists(keeping(value, depth), max_size=2))
    if value[0] == "sequence" and draw(st.booleans()):
        return draw(scan(value, depth))
    form = draw(st.sampled_from(["residual", "shortcut", "parallel", "group", "repeat", "when"]))
    if form == "residual":
        return {"residual": inner}
    if form == "shortcut":
        return {"residual": {"main": inner, "shortcut": other}}
    if form == "parallel":
        branches: Any = [inner, other]
        if draw(st.booleans()):
            branches = {"left": inner, "right": other}
        return {"parallel": {"branches": branches, "join": draw(st.sampled_from(["add", "mul"]))}}
    if form == "when":
        return {"group": inner, "when": draw(st.sampled_from(["flag", "not flag", "count > 1"]))}
    times = draw(st.sampled_from([0, 1, 2, "count"]))
    repeat: Any = times if form == "repeat" else {"times": times, "index": "k"}
    step = {"group": inner, "repeat": repeat}
    if draw(st.booleans()):
        step["repeat"] = {"times": times, "share": True}
    return step


@st.composite
def scan(draw: st.DrawFn, value: Value, depth: int) -> Step:
    """A scan that keeps the type, over the value at hand, which it reads as the input of a group."""
    width = value[1]
    row: Value = ("row", width)
    inner = draw(st.lists(keeping(row, depth), max_size=2))
    start = [{"reduce_mean": 1, "name": "start", "from": "seq"}]
    join = {draw(st.sampled_from(["add", "mul", "maximum"])): {}, "from": ["v", "h"], "name": "met"}
    inner = [join, *inner, {"tanh": {}, "name": "new"}]
    body: Step = {
        "over": {"v": "seq"},
        "carry": {"h": "start"},
        "steps": inner,
        "next": {"h": draw(st.sampled_from(["new", "met", "v"]))},
        "out": draw(st.sampled_from(["new", "met", "h"])),
        "reverse": draw(st.booleans()),
    }
    if body["out"] != "new" and body["next"]["h"] != "new":
        del body["out"]
    steps: list[Step] = [{"identity": {}, "name": "seq"}, *start]
    step: Step = {"scan": body}
    if draw(st.booleans()):
        step["name"] = "loop"
        if draw(st.booleans()):
            step["repeat"] = draw(st.sampled_from([1, 2, {"times": 2, "share": True}]))
    tail: list[Step] = []
    if step.get("name") and draw(st.booleans()):
        tail = [
            {"unsqueeze": 1, "from": "loop.h", "name": "last"},
            {"add": {}, "from": ["loop", "last"]},
        ]
    return {"group": [*steps, step, *tail], "name": "held"}


@st.composite
def changing(draw: st.DrawFn, value: Value, blocks: bool) -> tuple[list[Step], Value]:
    """Steps that give another width or kind."""
    kind, width = value
    new = draw(WIDTHS)
    if kind == "row":
        return [{"linear": new}], ("row", new)
    if kind == "sequence":
        last = draw(st.sampled_from([{"slice": {"axis": 1, "index": -1}}, {"reduce_mean": 1}]))
        choices: list[tuple[list[Step], Value]] = [
            ([{"linear": new}], ("sequence", new)),
            ([{"lstm": new}], ("sequence", new)),
            ([last], ("row", width)),
            ([{"transpose": [0, 2, 1]}, {"conv1d": {"out": new, "kernel": 3, "padding": "same"}},
              {"transpose": [0, 2, 1]}], ("sequence", new)),
        ]  # fmt: skip
        return draw(st.sampled_from(choices))
    stride = draw(st.sampled_from([1, 2, [2, 1]]))
    padding = draw(st.sampled_from(["same", 1]))
    wide = {"out": new, "kernel": 3, "stride": stride, "padding": padding}
    pool = draw(st.sampled_from(["max_pool2d", "avg_pool2d"]))
    grown = [[{"conv2d": {"out": new, "kernel": 1}}], []]
    choices = [
        ([{"conv2d": wide}], ("image", new)),
        ([{pool: {"kernel": 3, "stride": stride, "padding": padding}}], ("image", width)),
        ([{"parallel": {"branches": grown, "join": "concat"}}], ("image", width + new)),
        (["global_avg_pool"], ("row", width)),
        ([{"transpose": [0, 1, 3, 2]}], ("image", width)),
        ([{"flatten": 2}, {"transpose": [0, 2, 1]}], ("sequence", width)),
    ]
    if blocks:
        act = draw(st.sampled_from(["relu", "tanh", "softplus"]))
        choices.append(([{"Unit": {"out": new}}], ("image", new)))
        choices.append(([{"Unit": {"out": new, "act": act}}], ("image", new)))
        choices.append(([{"Unit": {"out": new, "stride": 2, "depth": "count"}}], ("image", new)))
    return draw(st.sampled_from(choices))


@st.composite
def unit(draw: st.DrawFn) -> dict[str, Any]:
    """A block of its own for images, called at any width."""
    inside = draw(st.lists(image_step(4), max_size=0))
    tail = draw(st.lists(activation(), max_size=2))
    project = {"conv2d": {"out": "out", "kernel": 1, "stride": "stride"}}
    main: list[Step] = [
        {"conv2d": {"out": "out", "kernel": 3, "stride": "stride", "padding": 1}},
        *inside,
        draw(activation()),
        {
            "conv2d": {"out": "out", "kernel": 3, "padding": 1},
            "name": "more",
            "repeat": draw(st.sampled_from(["depth", {"times": "depth", "index": "i"}])),
        },
        {"batch_norm": {}, "when": "stride == 1 or depth > 1"},
    ]
    shortcut = {**project, "when": "stride != 1 or C != out"}
    return {
        "params": {"out": "int", "stride": 1, "depth": 1, "act": "str = relu"},
        "inputs": {"x": "f32[N, C, H, W]"},
        "steps": [{"residual": {"main": main, "shortcut": [shortcut]}}, "$act", *tail],
    }


def distinct(part: Any, numbers: Iterator[int]) -> None:
    """Gives branches, and the groups around scans, names of their own: those of one scope differ."""
    for inner in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        distinct(inner, numbers)
    branches = part.get("branches") if isinstance(part, dict) else None
    if isinstance(branches, dict):
        part["branches"] = {f"{key}_{next(numbers)}": value for key, value in branches.items()}
    if isinstance(part, dict) and part.get("name") == "held":
        part["name"] = f"held_{next(numbers)}"


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A whole spec, as data."""
    value: Value = (draw(st.sampled_from(["image", "image", "sequence", "row"])), draw(WIDTHS))
    kind, width = value
    blocks = {"Unit": draw(unit())} if kind == "image" and draw(st.booleans()) else {}
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 4))):
        steps += draw(st.lists(keeping(value, 2), max_size=3))
        if draw(st.booleans()):
            more, value = draw(changing(value, bool(blocks)))
            steps += more
    steps.append(
        {"linear": 2, "name": "last"} if value[0] == "row" else {"tanh": {}, "name": "last"}
    )
    distinct(steps, count(1))
    return {
        "dslc": 1,
        "name": "Fuzz",
        "params": {"flag": draw(st.booleans()), "count": draw(st.integers(1, 2))},
        "inputs": {"x": KINDS[kind].format(width)},
        **({"blocks": blocks} if blocks else {}),
        "steps": steps,
        "outputs": {"y": "last"},
    }
