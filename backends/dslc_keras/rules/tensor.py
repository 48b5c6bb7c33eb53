"""Shapes and places in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.tensor import Cast, Concat, Flatten, Parameter, Reshape, Slice, Split, Transpose
from dslc_keras.dtypes import DTYPES
from dslc_keras.layers import axis_text
from dslc_keras.reshaping import flatten_image, reshaped
from dslc_keras.rules import RULES
from dslc_keras.ties import tied_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.context import OpContext
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Flatten)
def flatten(c: OpContext) -> str:
    assert isinstance(c.op, Flatten)
    c.layout = "spec"
    first = c.op.axis % c.types[0].rank
    if first == 1:
        return flatten_image(c)
    c.values[0] = c.writer.body.in_layout(c.first, "spec")
    return c.x if first == c.types[0].rank - 1 else reshaped(c, list(c.out.shape))


@RULES.add(Reshape)
def reshape(c: OpContext) -> str:
    return reshaped(c, list(c.out.shape))


@RULES.add(Transpose)
def transpose(c: OpContext) -> str:
    assert isinstance(c.op, Transpose)
    rank = c.types[0].rank
    order = [c.axis(axis) for axis in c.op.order(rank)]
    turned = [order[axis] for axis in (0, *range(2, rank), 1)] if rank > 2 else []
    c.layout = "last" if turned == list(range(rank)) and c.meets_channels else "spec"
    if c.layout == "last" or order == sorted(order):
        return c.x
    return f"ops.transpose({c.x}, ({', '.join(map(str, order))}))"


@RULES.add(Concat)
def concat(c: OpContext) -> str:
    return f"ops.concatenate({c.listed}, axis={axis_text(c, c.op.values['axis'])})"


@RULES.add(Split)
def split(c: OpContext) -> dict[str, str]:
    assert isinstance(c.op, Split)
    names, axis = c.op.output_names(), axis_text(c, c.op.axis)
    if c.op.squeeze:
        return c.unpack(f"ops.unstack({c.x}, {len(names)}, axis={axis})", names)
    if c.op.sizes is None:
        return c.unpack(f"ops.split({c.x}, {c.op.parts}, axis={axis})", names)
    x = c.variable()
    texts = dict[str, str]()
    sizes = c.shape_texts("sizes")
    for k, name in enumerate(names):
        start, stop = " + ".join(sizes[:k]), " + ".join(sizes[: k + 1])
        places = f"{start}:" if k == len(names) - 1 else f"{start}:{stop}"
        texts[name] = f"{x}[{':, ' * c.axis(c.op.axis)}{places}]"
    return {"": texts[names[0]], **texts}


@RULES.add(Slice)
def slice_(c: OpContext) -> str:
    assert isinstance(c.op, Slice)
    before = ":, " * c.axis(c.op.axis)

    def code(x: str, rename: Callable[[str], str]) -> str:
        return f"{x}[{before}{places(c, rename)}]"

    return c.at_run_time(("index", "start", "stop"), code, "A slice whose places depend on sizes.")


def places(c: OpContext, rename: Callable[[str], str]) -> str:
    """The subscript of the sliced axis."""
    values = c.op.values
    if values["index"] is not None:
        return c.text("index", rename)
    start, stop = (
        "" if values[name] is None else c.text(name, rename) for name in ("start", "stop")
    )
    step = "" if values["step"] == 1 else f":{c.text('step', rename)}"
    return f"{start}:{stop}{step}"


@RULES.add(Cast)
def cast(c: OpContext) -> str:
    return f'ops.cast({c.x}, "{DTYPES[c.op.values["dtype"]]}")'


@RULES.add(Parameter)
def parameter(c: FunctionContext) -> str:
    if c.is_tied("weight"):
        return tied_tensor(c, "weight")
    return c.parameter("", c.shape_texts("shape"))
