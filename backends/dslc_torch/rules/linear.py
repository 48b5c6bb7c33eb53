"""Linear maps in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dslc.ops.linear import Conv1d, Conv2d, Conv3d, DepthwiseConv2d, Embedding, Linear, Matmul
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Linear)
def linear(c: OpContext) -> str:
    weight = c.tied("weight")
    if weight is not None:
        bias = f", {bias_beside(c)}" if c.op.values["bias"] else ""
        return f"F.linear({c.x}, {'.'.join(filter(None, weight))}{bias})"
    bias = "" if c.op.values["bias"] else ", bias=False"
    width = c.size(c.types[0].shape[-1])
    layer = c.layer(normalized(c, f"nn.Linear({width}, {c.attribute('out')}{bias})"))
    return f"{layer}({c.x})"


def normalized(c: OpContext, layer: str) -> str:
    """A layer with PyTorch's own parametrization of its weight, if it has one."""
    kind = c.op.values.get("normalize", "none")
    if kind == "none":
        return layer
    c.require(f"from torch.nn.utils.parametrizations import {kind}")
    return f"{kind}({layer})"


def bias_beside(c: OpContext) -> str:
    """The bias of a linear map whose weight is another layer's: its own, or one of a third layer."""
    bias = c.tied("bias")
    if bias is not None:
        return ".".join(filter(None, bias))
    return c.layer(f"{c.helper('Bias')}({c.attribute('out')})") + ".bias"


@RULES.add(Conv1d, Conv2d, Conv3d, DepthwiseConv2d)
def convolution(c: OpContext) -> str:
    values = c.op.values
    rank = len(values["kernel"])
    channels = c.types[0].shape[1]
    x = c.x
    options = c.option("stride", 1)
    if values["padding"] == "same":
        if values["stride"] == (1,) * rank and pads_alike(values):
            options += ', padding="same"'
        else:
            window = [c.run_attribute("kernel"), c.run_attribute("stride")]
            if values["dilation"] != (1,) * rank:
                window.append(c.run_attribute("dilation"))
            x = f"{c.helper('pad_same')}({x}, {', '.join(window)})"
    else:
        options += c.option("padding", 0)
    options += c.option("dilation", 1)
    if isinstance(c.op, DepthwiseConv2d):
        out = c.size(channels * c.op.multiplier)
        options += f", groups={c.size(channels)}"
    else:
        out = c.attribute("out")
        options += c.option("groups", 1)
    options += "" if values["bias"] else ", bias=False"
    kernel = c.attribute("kernel")
    made = f"nn.Conv{rank}d({c.size(channels)}, {out}, {kernel}{options})"
    layer = c.layer(normalized(c, made))
    return f"{layer}({x})"


def pads_alike(values: dict[str, Any]) -> bool:
    """Whether `same` pads both sides alike; PyTorch warns where it does not."""
    reaches = [d * (k - 1) for k, d in zip(values["kernel"], values["dilation"], strict=True)]
    return not any(isinstance(reach, int) and reach % 2 for reach in reaches)


@RULES.add(Embedding)
def embedding(c: OpContext) -> str:
    wide = "" if c.types[0].dtype in ("i32", "i64") else ".int()"
    tied = c.tied("weight")
    if tied is not None:
        return f"F.embedding({c.x}{wide}, {'.'.join(filter(None, tied))})"
    layer = c.layer(f"nn.Embedding({c.attribute('vocab')}, {c.attribute('dim')})")
    return f"{layer}({c.x}{wide})"


@RULES.add(Matmul)
def matmul(c: OpContext) -> str:
    x, y = c.args
    return f"{x} @ {y}"
