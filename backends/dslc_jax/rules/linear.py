"""Linear maps in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.linear import Conv1d, Conv2d, Conv3d, DepthwiseConv2d, Embedding, Linear, Matmul
from dslc_jax.axes import sizes_text
from dslc_jax.flattening import flattened_shape
from dslc_jax.partials import constructor
from dslc_jax.rules import RULES
from dslc_jax.ties import tied_array

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Linear)
def linear(c: OpContext) -> str:
    if c.is_tied("weight"):
        return tied_linear(c)
    options = "" if c.op.values["bias"] else ", use_bias=False"
    shape = flattened_shape(c)
    if shape is not None:
        sizes = ", ".join(c.size(dim) for dim in shape)
        options += f', kernel_metadata={{"flattened": ({sizes})}}'
    width = c.size(c.types[0].shape[-1])
    made = f"nnx.Linear({width}, {c.attribute('out')}{options}, rngs=rngs)"
    return f"{c.layer(normalized(c, made))}({c.x})"


WRAPPERS = {"weight_norm": "WeightNorm", "spectral_norm": "SpectralNorm"}


def normalized(c: OpContext, layer: str) -> str:
    """A layer, or one around it that makes its kernel of other weights."""
    kind = c.op.values.get("normalize", "none")
    return layer if kind == "none" else f"{c.helper(WRAPPERS[kind])}({layer})"


def tied_linear(c: OpContext) -> str:
    """A linear map with another layer's weight; the bias is its own, or that of a third layer."""
    weight, bias = tied_array(c, "weight", as_kernel=True), ""
    if c.is_tied("bias"):
        bias = f" + {tied_array(c, 'bias')}"
    elif c.op.values["bias"]:
        layer = c.layer(f"nnx.Dict(bias=nnx.Param(jnp.zeros({c.attribute('out')})))")
        bias = f" + {layer}.bias[...]"
    table = weight.removesuffix(".embedding[...].T")
    return f"{table}.attend({c.x}){bias}" if table != weight else f"{c.x} @ {weight}{bias}"


@RULES.add(Conv1d, Conv2d, Conv3d, DepthwiseConv2d)
def convolution(c: OpContext) -> str:
    values = c.op.values
    channels = c.types[0].shape[1]
    options = c.option("stride", 1).replace("stride=", "strides=")
    padding = values["padding"]
    options += ', padding="SAME"' if padding == "same" else f", padding={c.attribute('padding')}"
    options += c.option("dilation", 1).replace("dilation=", "kernel_dilation=")
    if isinstance(c.op, DepthwiseConv2d):
        out = c.size(channels * c.op.multiplier)
        options += f", feature_group_count={c.size(channels)}"
    else:
        out = c.attribute("out")
        options += c.option("groups", 1).replace("groups=", "feature_group_count=")
    make, bias = "nnx.Conv", ""
    if not values["bias"]:
        make, bias = constructor(c, "nnx.Conv", ("bias",), "use_bias=False")
    kernel = sizes_text(c, "kernel")
    made = f"{make}({c.size(channels)}, {out}, {kernel}{options}{bias}, rngs=rngs)"
    return f"{c.layer(normalized(c, made))}({c.x})"


@RULES.add(Embedding)
def embedding(c: OpContext) -> str:
    if c.is_tied("weight"):
        return f"jnp.take({tied_array(c, 'weight')}, {c.x}, axis=0)"
    layer = c.layer(f"nnx.Embed({c.attribute('vocab')}, {c.attribute('dim')}, rngs=rngs)")
    return f"{layer}({c.x})"


@RULES.add(Matmul)
def matmul(c: OpContext) -> str:
    x, y = c.args
    return f"{x} @ {y}"
