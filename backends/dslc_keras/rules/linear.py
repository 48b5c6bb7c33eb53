"""Linear maps in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import literal
from dslc.ops.linear import Conv1d, Conv2d, Conv3d, DepthwiseConv2d, Embedding, Linear, Matmul
from dslc_keras.layers import flag, named, option, plain
from dslc_keras.rules import RULES
from dslc_keras.survey import convolution_helper, keeps_size
from dslc_keras.target_of import survey_of
from dslc_keras.ties import tied_tensor

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Linear)
def linear(c: FunctionContext) -> str:
    out = c.attribute("out")
    if c.owner_op("weight") is Embedding:
        return f"{c.owner_layer_here('weight')}({c.x}, reverse=True)" + bias(c, out)
    options = (out, flag(c, "bias", "use_bias"))
    if c.types[0].rank > 1:
        return named(c, "layers.Dense", *options)
    row = named(c, "layers.Dense", *options, call=f"ops.expand_dims({c.x}, 0)")
    return f"ops.squeeze({row}, 0)"


def bias(c: FunctionContext, out: str) -> str:
    """The sum with a bias, the op's own or another layer's, where it has one."""
    if c.is_tied("bias"):
        return f" + {tied_tensor(c, 'bias')}"
    return f" + {c.parameter('bias', [out])}" if c.op.values["bias"] else ""


@RULES.add(Embedding)
def embedding(c: FunctionContext) -> str:
    kind = "ReversibleEmbedding" if c.is_lent else "Embedding"
    return named(c, f"layers.{kind}", c.attribute("vocab"), c.attribute("dim"))


@RULES.add(Conv1d, Conv2d, Conv3d, DepthwiseConv2d)
def convolution(c: FunctionContext) -> str:
    if survey_of(c).serves(c.found):
        return helped(c)
    options = [flag(c, "bias", "use_bias")]
    if isinstance(c.op, DepthwiseConv2d):
        kind, first = "DepthwiseConv2D", [c.attribute("kernel")]
        options.insert(0, option(c, "multiplier", 1, "depth_multiplier"))
    else:
        kind = f"Conv{len(c.op.values['kernel'])}D"
        first = [c.attribute("out"), c.attribute("kernel")]
        options.insert(0, option(c, "groups", 1))
    strides, dilation = option(c, "stride", 1, "strides"), option(c, "dilation", 1, "dilation_rate")
    if needs_two_steps(c):
        x = pad_same(c) if c.op.values["padding"] == "same" else padded(c)
        dense = named(c, f"layers.{kind}", *first, dilation, *options, call=x)
        return f"{dense}[{every(c)}]"
    if c.op.values["padding"] == "same" or keeps_size(c.found):
        same = 'padding="same"'
        return named(c, f"layers.{kind}", *first, strides, same, dilation, *options)
    return named(c, f"layers.{kind}", *first, strides, dilation, *options, call=padded(c))


def helped(c: FunctionContext) -> str:
    """A call of the module's own convolution helper."""
    survey, op = survey_of(c), type(c.op)
    c.function.functions.function(convolution_helper(survey, op))
    options = [
        option(c, name, 0 if name == "padding" else 1)
        for name in ("stride", "padding", "dilation", "groups")
    ]
    if survey.differs(op, "bias"):
        options.append(flag(c, "bias", "bias"))
    texts = [c.x, c.attribute("out"), c.attribute("kernel"), *(text for text in options if text)]
    return f"{op.name}({', '.join(texts)}, name={c.name})"


def padded(c: FunctionContext) -> str:
    """The input with zeros around it, the same on both sides."""
    if literal(c.op.values["padding"]) == "0":
        return c.x
    rank = len(c.op.values["kernel"])
    return plain(c, f"layers.ZeroPadding{rank}D", c.attribute("padding"))


def needs_two_steps(c: FunctionContext) -> bool:
    """Whether Keras refuses these strides: with dilation, or other ones by axis for each channel."""
    stride = c.op.values["stride"]
    if literal(stride) == "1":
        return False
    uneven = isinstance(c.op, DepthwiseConv2d) and len(set(stride)) > 1
    return uneven or literal(c.op.values["dilation"]) != "1"


def pad_same(c: FunctionContext) -> str:
    """The input padded for `same` with strides."""
    sizes = [c.attribute(name) for name in ("kernel", "stride", "dilation")]
    return plain(c, c.helper("PadSame"), *sizes)


def every(c: FunctionContext) -> str:
    """The subscript that takes what strides would give."""
    text, stride = c.attribute("stride"), c.op.values["stride"]
    steps = (
        text.strip("()").rstrip(",").split(", ") if text.startswith("(") else [text] * len(stride)
    )
    return ":, " + ", ".join(f"::{step}" for step in steps)


@RULES.add(Matmul)
def matmul(c: FunctionContext) -> str:
    x, y = c.args
    return f"{x} @ {y}"
