"""Shapes and places in JAX."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from dslc.emit.layouts import stored_order
from dslc.ops.base import Check
from dslc.ops.tensor import (
    Cast,
    Concat,
    Flatten,
    Parameter,
    Reshape,
    Slice,
    Split,
    Transpose,
)
from dslc_jax.axes import axis_text
from dslc_jax.dtypes import DTYPES
from dslc_jax.flattening import keeps_order
from dslc_jax.rules import RULES
from dslc_jax.ties import tied_array

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Flatten)
def flatten(c: OpContext) -> str:
    value = c.first
    rank = value.type.rank
    axis = c.op.values["axis"] % rank
    if axis == rank - 1:
        return c.x
    c.layout = "spec"
    if value.layout == "last" and axis > 1:
        c.layout = "last"
        return f"jax.lax.collapse({c.x}, {axis - 1}, -1)"
    if value.layout == "last" and axis == 1 and keeps_order(c):
        return f"jax.lax.collapse({c.x}, 1)"
    return f"jax.lax.collapse({c.in_layout(0, 'spec')}, {axis})"


@RULES.add(Reshape)
def reshape(c: OpContext) -> str:
    return f"{c.x}.reshape({c.run_shape('shape') or '()'})"


@RULES.add(Transpose)
def transpose(c: OpContext) -> str:
    assert isinstance(c.op, Transpose)
    value = c.first
    rank = value.type.rank
    stored = stored_order(rank, value.layout)
    order = [stored.index(axis) for axis in c.op.order(rank)]
    turned = [order[axis] for axis in stored_order(rank, "last")]
    kept = turned == list(range(rank)) and (rank > 3 or (rank == 3 and c.meets_channels))
    c.layout = "last" if kept else "spec"
    order = turned if c.layout == "last" else order
    moved = [k for k, axis in enumerate(order) if k != axis]
    if not moved:
        return c.x
    if len(moved) == 2:
        return f"{c.x}.swapaxes({moved[0]}, {moved[1]})"
    return f"{c.x}.transpose({', '.join(map(str, order))})"


@RULES.add(Concat)
def concat(c: OpContext) -> str:
    return f"jnp.concatenate({c.listed}, axis={axis_text(c)})"


@RULES.add(Split)
def split(c: OpContext) -> dict[str, str]:
    assert isinstance(c.op, Split)
    axis = axis_text(c)
    if c.op.squeeze:
        code = f"jnp.unstack({c.x}, axis={axis})"
    elif c.op.sizes is None:
        code = f"jnp.split({c.x}, {c.op.parts}, axis={axis})"
    else:
        ends = ", ".join(c.run_size(end) for end in list(accumulate(c.op.sizes))[:-1])
        code = f"jnp.split({c.x}, [{ends}], axis={axis})"
    return c.unpack(code, c.op.output_names())


@RULES.add(Slice)
def slice_(c: OpContext) -> str:
    axis = int(axis_text(c))
    before = "..., " if axis == -1 and c.types[0].rank > 2 else ":, " * (axis % c.types[0].rank)
    text = c.first.text
    x = text.removesuffix("[...]") if text.endswith("[...]") else c.x
    return f"{x}[{before}{slice_text(c)}]"


def slice_text(c: OpContext) -> str:
    """The subscript of the sliced axis."""
    values = c.op.values
    if values["index"] is not None:
        return c.run_attribute("index")
    start = "" if values["start"] is None else c.run_attribute("start")
    stop = "" if values["stop"] is None else c.run_attribute("stop")
    step = "" if values["step"] == 1 else f":{c.run_attribute('step')}"
    return f"{start}:{stop}{step}"


@RULES.add(Cast)
def cast(c: OpContext) -> str:
    return f"{c.x}.astype(jnp.{DTYPES[c.op.values['dtype']]})"


@RULES.add(Parameter)
def parameter(c: OpContext) -> str:
    assert isinstance(c.op, Parameter)
    if c.is_tied("weight"):
        return tied_array(c, "weight")
    shape = "".join(f"{c.size(dim)}, " for dim in c.op.infer(Check(None)).shape)
    return c.layer(f"nnx.Param(jnp.zeros(({shape})))") + "[...]"
