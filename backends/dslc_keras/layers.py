"""How rules write native layers: by their path, with what differs from Keras's own defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import literal
from dslc.ir.graph import ApplyOp
from dslc.ir.types import FLOATS
from dslc.ops.attention import MultiHeadAttention
from dslc.syntax.expressions import free_names
from dslc_keras.dtypes import DTYPES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions_context import FunctionContext
    from dslc.ir.types import TensorType


WRAPPERS = {"weight_norm": "WeightNorm", "spectral_norm": "SpectralNorm"}
"""What makes a layer's kernel of other weights."""


def named(c: FunctionContext, layer: str, *options: str, call: str = "") -> str:
    """A layer with weights, called on the first input unless on something else.

    Args:
        c: The op.
        layer: The layer's class, such as `layers.Dense`.
        *options: Its arguments; empty ones are left out.
        call: What it is called with.
    """
    texts = [text for text in (*options, *dtype_option(c)) if text]
    wrapper = WRAPPERS.get(c.op.values.get("normalize", ""))
    if wrapper is not None:
        made = f"{layer}({', '.join(texts)})"
        options = (made, f"name={c.name}", *dtype_option(c))
        return c.call(f"{c.helper(wrapper)}({', '.join(options)})", call or c.x)
    return c.call(f"{layer}({', '.join([*texts, f'name={c.name}'])})", call or c.x)


def often(c: FunctionContext, name: str) -> str:
    """Keras's layer, or a helper's that is right where training differentiates it more than once."""
    return c.helper(f"Twice{name}") if c.derivatives > 1 else f"layers.{name}"


def plain(c: OpContext, layer: str, *options: str, call: str = "") -> str:
    """A layer without weights, called on the first input unless on something else.

    Args:
        c: The op.
        layer: The layer's class, a native or a helper's.
        *options: Its arguments; empty ones are left out.
        call: What it is called with.
    """
    texts = [text for text in (*options, *dtype_option(c)) if text]
    return f"{layer}({', '.join(texts)})({call or c.x})"


def ids(c: OpContext, position: int) -> str:
    """Integers that say places; TensorFlow looks up and sums by those of at least 32 bits alone."""
    text = c.args[position]
    short = c.types[position].dtype in ("i8", "i16", "u8")
    return f'ops.cast({text}, "int32")' if short else text


def dtype_option(c: OpContext) -> list[str]:
    """The layer's dtype where it is not the usual one; another's inputs it would round."""
    text = dtype_of(*c.types, c.out)
    return [text] if text else []


def dtype_of(*types: TensorType) -> str:
    """The argument of a layer that takes values of such types; nothing where it is the usual one."""
    floats = [type.dtype for type in types if type.dtype in FLOATS]
    return "" if not floats or floats[0] == "f32" else f'dtype="{DTYPES[floats[0]]}"'


def option(c: OpContext, name: str, default: object, keyword: str = "") -> str:
    """`keyword=value` where an attribute is not Keras's default."""
    if literal(c.op.values[name]) == literal(default) and not is_expression(c, name):
        return ""
    return f"{keyword or name}={c.attribute(name)}"


def flag(c: OpContext, name: str, keyword: str) -> str:
    """`keyword=False` where a flag that Keras has on is off."""
    if is_expression(c, name):
        return f"{keyword}={c.attribute(name)}"
    return "" if c.op.values[name] else f"{keyword}=False"


def is_expression(c: OpContext, name: str) -> bool:
    """Whether an attribute's value depends on params."""
    written = c.written(name)
    return written is not None and bool(free_names(written))


def axis_text(c: OpContext, axis: int) -> str:
    """An axis of the first input in its layout; the last one is -1."""
    place, rank = c.axis(axis), c.types[0].rank
    return "-1" if place == rank - 1 else str(place)


def axes_text(c: OpContext, axes: tuple[int, ...]) -> str:
    """Several axes of the first input in its layout."""
    places = sorted(c.axis(axis) for axis in axes)
    if len(places) == 1:
        return axis_text(c, axes[0])
    return f"({', '.join(map(str, places))})"


def is_native(found: FormalStep) -> bool:
    """Whether Keras's layer for a transposed convolution, and a cropping, say the same."""
    assert found.op is not None
    values, action = found.op.values, found.step.action
    names = ("kernel", "stride", "padding", "output_padding", "dilation")
    written = [getattr(action, "attributes", {}).get(name) for name in names]
    if literal(values["groups"]) != "1" or any(e is not None and free_names(e) for e in written):
        return False
    windows = zip(*(values[name] for name in names), strict=True)
    return all(k >= s and p >= more and d == 1 for k, s, p, more, d in windows)


def is_grouped(found: FormalStep, *, seeded: bool) -> bool:
    """Whether an attention is more than Keras's own layer: so is one with a bias for its scores.

    With `seeded` Keras's own numbers do not count, so what drops is none of its layers.
    """
    op = found.op
    assert isinstance(op, MultiHeadAttention)
    has_bias = len(found.inputs) > 4 and found.inputs[4] is not None
    return not op.is_plain or has_bias or (seeded and bool(op.values["dropout"]))


def is_stacked(found: FormalStep, *, seeded: bool) -> bool:
    """Whether a recurrent step is more than one layer in one direction.

    With `seeded` Keras's own numbers do not count, so what drops is none of its layers.
    """
    assert found.op is not None
    values = found.op.values
    varies = found.step.action.attributes if isinstance(found.step.action, ApplyOp) else {}
    changes = any(
        name in varies and free_names(varies[name]) for name in ("layers", "bidirectional")
    )
    draws = seeded and bool(found.op.draws)
    return values["layers"] != 1 or values["bidirectional"] or changes or draws
