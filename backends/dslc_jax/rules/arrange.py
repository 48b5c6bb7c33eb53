"""Values in other shapes and orders in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.arrange import (
    Expand,
    Flip,
    Pad,
    PixelShuffle,
    Roll,
    SpaceToDepth,
    Squeeze,
    Stack,
    Tile,
    Tril,
    Triu,
    Unsqueeze,
    resolve_axes,
)
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Squeeze)
def squeeze(c: OpContext) -> str:
    return f"{c.x}.squeeze({places(c)})"


@RULES.add(Unsqueeze)
def unsqueeze(c: OpContext) -> str:
    return f"jnp.expand_dims({c.x}, {places(c, c.out.rank)})"


@RULES.add(Stack)
def stack(c: OpContext) -> str:
    axis = c.op.values["axis"]
    return f"jnp.stack({c.listed}{f', axis={axis}' if axis else ''})"


@RULES.add(Pad)
def pad(c: OpContext) -> str:
    assert isinstance(c.op, Pad)
    pairs = "".join(f"({c.run_size(b)}, {c.run_size(a)}), " for b, a in c.op.sides())
    mode = "" if c.op.mode == "constant" else f', mode="{c.op.mode}"'
    value = c.option("value", 0.0, run=True) if c.op.mode == "constant" else ""
    return f"jnp.pad({c.x}, ({pairs}){mode}{value.replace('value=', 'constant_values=')})"


@RULES.add(Expand)
def expand(c: OpContext) -> str:
    return f"jnp.broadcast_to({c.x}, {c.run_tuple('shape')})"


@RULES.add(Tile)
def tile(c: OpContext) -> str:
    return f"jnp.tile({c.x}, {c.run_tuple('repeats')})"


@RULES.add(Flip)
def flip(c: OpContext) -> str:
    return f"jnp.flip({c.x}, {places(c)})"


@RULES.add(Roll)
def roll(c: OpContext) -> str:
    return f"jnp.roll({c.x}, {c.run_attribute('shift')}, {c.run_attribute('axis')})"


@RULES.add(Tril, Triu)
def triangle(c: OpContext) -> str:
    diagonal = "" if c.op.values["diagonal"] == 0 else f", {c.run_attribute('diagonal')}"
    return f"jnp.{c.op.name}({c.x}{diagonal})"


@RULES.add(PixelShuffle, SpaceToDepth)
def blocks(c: OpContext) -> str:
    return f"{c.helper(c.op.name)}({c.x}, {c.run_attribute('factor')})"


def places(c: OpContext, rank: int | None = None) -> str:
    """Axes of the first input or of a result, one as a number."""
    axes = resolve_axes(c.op.values["axis"], c.types[0].rank if rank is None else rank)
    return str(axes[0]) if len(axes) == 1 else repr(axes)
