"""Values in other shapes and orders in PyTorch."""

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
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Squeeze)
def squeeze(c: OpContext) -> str:
    return f"{c.x}.squeeze({places(c)})"


@RULES.add(Unsqueeze)
def unsqueeze(c: OpContext) -> str:
    axes = resolve_axes(c.op.values["axis"], c.out.rank)
    return c.x + "".join(f".unsqueeze({axis})" for axis in axes)


@RULES.add(Stack)
def stack(c: OpContext) -> str:
    axis = c.op.values["axis"]
    return f"torch.stack({c.listed}{f', dim={axis}' if axis else ''})"


@RULES.add(Pad)
def pad(c: OpContext) -> str:
    """`F.pad` where it can: its other modes pad the last axes of a batch only."""
    assert isinstance(c.op, Pad)
    sides, rank = c.op.sides(), c.types[0].rank
    padded = [k for k, side in enumerate(sides) if side != (0, 0)]
    if c.op.mode != "constant" and (not 3 <= rank <= 5 or any(k < 2 for k in padded)):
        pairs = "".join(f"({c.run_size(b)}, {c.run_size(a)}), " for b, a in sides)
        return f"{c.helper('pad_by_index')}({c.x}, ({pairs}), {c.op.mode!r})"
    first = min(padded, default=rank - 1) if c.op.mode == "constant" else 2
    texts = [c.run_size(size) for side in reversed(sides[first:]) for size in side]
    mode = {"constant": "", "reflect": ', mode="reflect"', "edge": ', mode="replicate"'}
    value = c.option("value", 0.0, run=True) if c.op.mode == "constant" else ""
    return f"F.pad({c.x}, ({', '.join(texts)}){mode[c.op.mode]}{value})"


@RULES.add(Expand)
def expand(c: OpContext) -> str:
    return f"{c.x}.expand({c.run_shape('shape') or '()'})"


@RULES.add(Tile)
def tile(c: OpContext) -> str:
    return f"{c.x}.repeat({c.run_shape('repeats') or '()'})"


@RULES.add(Flip)
def flip(c: OpContext) -> str:
    return f"{c.x}.flip({places(c)})"


@RULES.add(Roll)
def roll(c: OpContext) -> str:
    return f"{c.x}.roll({c.run_attribute('shift')}, {c.run_attribute('axis')})"


@RULES.add(Tril, Triu)
def triangle(c: OpContext) -> str:
    diagonal = "" if c.op.values["diagonal"] == 0 else c.run_attribute("diagonal")
    return f"{c.x}.{c.op.name}({diagonal})"


@RULES.add(PixelShuffle)
def pixel_shuffle(c: OpContext) -> str:
    return f"F.pixel_shuffle({c.x}, {c.run_attribute('factor')})"


@RULES.add(SpaceToDepth)
def space_to_depth(c: OpContext) -> str:
    return f"{c.helper('space_to_depth')}({c.x}, {c.run_attribute('factor')})"


def places(c: OpContext) -> str:
    """Axes of the first input, one as a number."""
    axes = resolve_axes(c.op.values["axis"], c.types[0].rank)
    return str(axes[0]) if len(axes) == 1 else repr(axes)
