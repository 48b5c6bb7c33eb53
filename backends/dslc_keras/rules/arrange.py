"""Values in other shapes and orders in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ir.dims import Dim, text_of
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
from dslc.syntax.expressions import ListOf, to_python
from dslc_keras.layers import option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.functions_context import FunctionContext

    Rename = Callable[[str], str]


@RULES.add(Squeeze)
def squeeze(c: FunctionContext) -> str:
    return f"ops.squeeze({c.x}, axis={places(c)})"


@RULES.add(Unsqueeze)
def unsqueeze(c: FunctionContext) -> str:
    return f"ops.expand_dims({c.x}, axis={places(c, c.out.rank)})"


@RULES.add(Stack)
def stack(c: FunctionContext) -> str:
    axis = c.op.values["axis"]
    return f"ops.stack({c.listed}{f', axis={axis}' if axis else ''})"


@RULES.add(Pad)
def pad(c: FunctionContext) -> str:
    assert isinstance(c.op, Pad)
    sides, mode = c.op.sides(), c.op.mode
    value = option(c, "value", 0.0, "constant_values") if mode == "constant" else ""
    further = {"constant": value and f", {value}", "reflect": ', mode="reflect"', "edge": ""}
    function = c.helper("pad_edge") if mode == "edge" else "ops.pad"

    def code(x: str, rename: Rename) -> str:
        pairs = "".join(f"({text_of(b, rename)}, {text_of(a, rename)}), " for b, a in sides)
        return f"{function}({x}, ({pairs}){further[mode]})"

    return c.at_run_time(("before", "after"), code, "A padding whose sizes depend on the input.")


@RULES.add(Expand)
def expand(c: FunctionContext) -> str:
    def code(x: str, rename: Rename) -> str:
        return f"ops.broadcast_to({x}, {shape_text(c, 'shape', rename)})"

    return c.at_run_time(("shape",), code, "An expansion whose sizes depend on the input.")


@RULES.add(Tile)
def tile(c: FunctionContext) -> str:
    def code(x: str, rename: Rename) -> str:
        return f"ops.tile({x}, {shape_text(c, 'repeats', rename)})"

    return c.at_run_time(("repeats",), code, "A repetition as often as the input's sizes say.")


@RULES.add(Flip)
def flip(c: FunctionContext) -> str:
    return f"ops.flip({c.x}, axis={places(c)})"


@RULES.add(Roll)
def roll(c: FunctionContext) -> str:
    return f"ops.roll({c.x}, {c.attribute('shift')}, axis={c.attribute('axis')})"


@RULES.add(Tril, Triu)
def triangle(c: FunctionContext) -> str:
    diagonal, is_lower = c.op.values["diagonal"], isinstance(c.op, Tril)
    if diagonal == 0:
        return f"ops.{c.op.name}({c.x})"
    size = c.types[0].shape[-1 if is_lower else -2]
    most = diagonal if is_lower else -diagonal
    function = f"ops.{c.op.name}"
    if isinstance(most, Dim) or (most > 0 and (isinstance(size, Dim) or most > size)):
        function = c.helper("lower_triangle" if is_lower else "upper_triangle")
    return f"{function}({c.x}, k={c.attribute('diagonal')})"


@RULES.add(PixelShuffle, SpaceToDepth)
def blocks(c: FunctionContext) -> str:
    name = "PixelShuffle" if isinstance(c.op, PixelShuffle) else "SpaceToDepth"
    return plain(c, c.helper(name), c.attribute("factor"))


def places(c: FunctionContext, rank: int | None = None) -> str:
    """Axes of the first input or of a result, one as a number."""
    axes = resolve_axes(c.op.values["axis"], c.types[0].rank if rank is None else rank)
    return str(axes[0]) if len(axes) == 1 else repr(axes)


def shape_text(c: FunctionContext, name: str, rename: Rename) -> str:
    """A shape attribute as a tuple."""
    written = c.written(name)
    if isinstance(written, ListOf):
        texts = [to_python(item, rename) for item in written.items]
    else:
        texts = [text_of(dim, rename) for dim in c.op.values[name]]
    return f"({''.join(f'{text}, ' for text in texts)})"
