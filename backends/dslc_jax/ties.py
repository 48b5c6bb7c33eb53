"""Weights of other layers: Flax's own names for them, and the order in which it keeps their axes.

A kernel of Flax has its inputs and outputs last, `[*sizes, in, out]`, and the portable one first,
`[out, in, *sizes]`; what is no kernel lies as it does in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.graph import GcnConv, SageConv
from dslc.ops.linear import Conv1d, Conv2d, Conv3d, DepthwiseConv2d, Embedding, Linear
from dslc.ops.lookup import EmbeddingBag
from dslc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc.ops.positions import LearnedPosition
from dslc.ops.tensor import Parameter

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.ops.base import Op

KERNELS = (Linear, Conv1d, Conv2d, Conv3d, DepthwiseConv2d, GcnConv, SageConv)
SCALES = (BatchNorm, InstanceNorm, LayerNorm, RmsNorm, GroupNorm)
TABLES = (Embedding, EmbeddingBag, LearnedPosition)


def own_name(op: Op, weight: str) -> str:
    """What a layer of Flax calls a weight, inside another where that makes its kernel of others."""
    made = weight.startswith("parametrizations")
    if made or op.values.get("normalize", "none") != "none":
        name = weight.rpartition(".")[2]
        return "scale" if name == "original0" else f"layer.{'kernel' if made else name}"
    return name_in(type(op), weight)


def name_in(op: type[Op], weight: str) -> str:
    """What the layer of an op calls a weight."""
    part, _, name = weight.rpartition(".")
    if part:  # a layer in a layer: a linear map, or the norm of an attention
        own = "scale" if part.endswith("norm") else "kernel"
        return f"{part}.{own}" if name == "weight" else weight
    if name != "weight":
        return name
    if issubclass(op, KERNELS):
        return "kernel"
    if issubclass(op, SCALES):
        return "scale"
    return "embedding" if issubclass(op, TABLES) else name


def owner_text(c: OpContext, weight: str) -> tuple[str, bool]:
    """The variable of another layer that is a weight of an op, and whether it is a kernel."""
    op = c.writer.tied_found(c.step, c.step.tie[weight]).op
    layer, name = c.owner_of(weight)
    if isinstance(op, Parameter):
        return layer, False
    assert op is not None
    own = own_name(op, name)
    return f"{layer}.{own}", own.rpartition(".")[2] == "kernel"


def tied_variable(c: OpContext, weight: str) -> str:
    """The variable that a layer computes with in place of its own."""
    text, is_kernel = owner_text(c, weight)
    wanted = own_name(c.op, weight).rpartition(".")[2] == "kernel"
    if wanted == is_kernel:
        return text
    return f"nnx.Param({turned(f'{text}[...]', rank_of(c, weight), to_kernel=wanted)})"


def tied_array(c: OpContext, weight: str, *, as_kernel: bool = False) -> str:
    """The array of a weight that is another layer's, as the portable file has it or as a kernel."""
    text, is_kernel = owner_text(c, weight)
    c.tied(weight)
    array = f"{text}[...]"
    return (
        array if is_kernel == as_kernel else turned(array, rank_of(c, weight), to_kernel=as_kernel)
    )


def rank_of(c: OpContext, weight: str) -> int:
    """The number of axes of one of an op's weights."""
    return next(len(w.shape) for w in c.op.weights(*c.types) if (w.name or "weight") == weight)


def turned(array: str, rank: int, *, to_kernel: bool) -> str:
    """An array of the portable file as a kernel, or the other way round."""
    if rank < 2:
        return array
    if rank == 2:
        return f"{array}.T"
    order = (*range(2, rank), 1, 0) if to_kernel else (rank - 1, rank - 2, *range(rank - 2))
    return f"{array}.transpose({', '.join(map(str, order))})"
