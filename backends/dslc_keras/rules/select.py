"""Values picked, counted and made in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.functions_runtime import unknown_names
from dslc.ir.graph import MODULE
from dslc.ir.types import FLOATS
from dslc.ops.select import (
    Argmax,
    Constant,
    Cumsum,
    Gather,
    Identity,
    OneHot,
    Range,
    Resize,
    StopGradient,
    Where,
)
from dslc_keras.dtypes import DTYPES
from dslc_keras.layers import axis_text, plain
from dslc_keras.rules import RULES
from dslc_keras.rules.arrange import shape_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.functions_context import FunctionContext

    Rename = Callable[[str], str]


@RULES.add(Gather)
def gather(c: FunctionContext) -> str:
    x, ids = c.args
    axis, batch = c.op.values["axis"] % c.types[0].rank, c.op.values["batch"]
    if batch:
        return plain(c, c.helper("Gather"), str(axis), str(batch), call=f"{x}, {ids}")
    return f"ops.take({x}, {ids}, axis={axis})"


@RULES.add(OneHot)
def one_hot(c: FunctionContext) -> str:
    return f"ops.one_hot({c.x}, {c.attribute('classes')})"


@RULES.add(Where)
def where(c: FunctionContext) -> str:
    return f"ops.where({', '.join(c.args)})"


@RULES.add(Argmax)
def argmax(c: FunctionContext) -> str:
    axis = f"axis={axis_text(c, c.op.values['axis'])}"
    function = c.helper("argmax") if c.types[0].dtype in FLOATS else "ops.argmax"
    found = f"{function}({c.x}, {axis})"
    return f"ops.expand_dims({found}, {axis})" if c.op.values["keep"] else found


@RULES.add(Cumsum)
def cumsum(c: FunctionContext) -> str:
    return f"ops.cumsum({c.x}, axis={axis_text(c, c.op.values['axis'])})"


@RULES.add(Range)
def range_(c: FunctionContext) -> str:
    def code(x: str, rename: Rename) -> str:
        del x
        ends = [c.text(name, rename) for name in ("start", "stop", "step")]
        return f'ops.arange({", ".join(ends)}, dtype="int32")'

    return anchored(c, code, "Integers in order.")


@RULES.add(Constant)
def constant(c: FunctionContext) -> str:
    def code(x: str, rename: Rename) -> str:
        del x
        shape, value = shape_text(c, "shape", rename), c.text("value", rename)
        return f'ops.full({shape}, {value}, dtype="{DTYPES[c.op.values["dtype"]]}")'

    return anchored(c, code, "One number in every place.")


def anchored(c: FunctionContext, code: Callable[[str, Rename], str], doc: str) -> str:
    """What reads no value, as a layer that hangs on the function's first input."""
    body = c.writer.body
    anchors = getattr(body, "anchors", ())
    c.values[:] = [anchors[-1] if anchors else body.flow.values[MODULE, next(iter(body.inputs))]]
    return c.at_run_time(None, code, doc)


@RULES.add(Identity)
def identity(c: FunctionContext) -> str:
    return c.x


@RULES.add(StopGradient)
def stop_gradient(c: FunctionContext) -> str:
    return f"ops.stop_gradient({c.x})"


@RULES.add(Resize)
def resize(c: FunctionContext) -> str:
    mode, size = c.op.values["mode"], c.op.values["size"]
    if size is not None and unknown_names(c.function, c.found, ("size",)):
        return resized_at_run_time(c, mode)
    twice = mode == "bilinear" and c.derivatives > 1  # TensorFlow's has no second derivative
    if mode == "bicubic" or twice:
        given = c.attribute("scale") if size is None else f"size={c.attribute('size')}"
        return plain(c, c.helper("ResizeBilinear" if twice else "ResizeBicubic"), given)
    if size is None:
        option = 'interpolation="bilinear"' if mode == "bilinear" else ""
        return plain(c, "layers.UpSampling2D", c.attribute("scale"), option)
    if mode == "nearest":
        return plain(c, c.helper("ResizeNearest"), c.attribute("size"))
    size = c.attribute("size")
    size = size if "," in size else f"({size}, {size})"
    return f'ops.image.resize({c.x}, {size}, data_format="channels_last")'


def resized_at_run_time(c: FunctionContext, mode: str) -> str:
    """A layer that reads the size to resize to from a value."""

    def code(x: str, rename: Rename) -> str:
        size = c.text("size", rename)
        size = size if "," in size else f"({size}, {size})"
        if mode == "bicubic":
            return f"{c.helper('ResizeBicubic')}(size={size})({x})"
        return f"{c.helper(f'resize_{mode}')}({x}, {size})"

    return c.at_run_time(None, code, "An image resized to the size of a value.")
