"""Pooling in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import literal
from dslc.ops.pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    LpPool1d,
    LpPool2d,
    LpPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from dslc_keras.layers import option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(c: OpContext) -> str:
    rank = rank_of(c)
    own = "3d" if rank == 3 else ""
    if c.op.values["ceil"]:
        return f"{c.helper(f'ceil_max_pool{own}')}({c.x}, {rounded_up(c)})"
    if c.op.values["padding"] == "same" or not is_padded(c):
        layer = c.helper("MaxPooling3D") if own else f"layers.MaxPooling{rank}D"
        return plain(c, layer, native_window(c))
    name = "max_pool2d" if rank == 2 else f"padded_max_pool{own}"
    return f"{c.helper(name)}({c.x}, {window(c)})"


@RULES.add(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(c: OpContext) -> str:
    same, counts = c.op.values["padding"] == "same", c.op.values["count_padding"]
    if c.op.values["ceil"]:
        option = ", count_padding=True" if counts and is_padded(c) else ""
        return f"{c.helper('ceil_avg_pool')}({c.x}, {rounded_up(c)}{option})"
    if same and counts:
        kernel, stride = kernel_and_stride(c)
        pad = plain(c, c.helper("PadSame"), kernel, stride)
        return plain(c, f"layers.AveragePooling{rank_of(c)}D", stated(kernel, stride), call=pad)
    if same or not is_padded(c):
        return plain(c, f"layers.AveragePooling{rank_of(c)}D", native_window(c))
    if counts:
        pad = plain(c, f"layers.ZeroPadding{rank_of(c)}D", c.attribute("padding"))
        window_text = stated(*kernel_and_stride(c))
        return plain(c, f"layers.AveragePooling{rank_of(c)}D", window_text, call=pad)
    name = "avg_pool2d" if rank_of(c) == 2 else "padded_avg_pool"
    return f"{c.helper(name)}({c.x}, {window(c)})"


@RULES.add(GlobalAvgPool)
def global_avg_pool(c: OpContext) -> str:
    return plain(c, f"layers.GlobalAveragePooling{rank_of(c)}D")


@RULES.add(GlobalMaxPool)
def global_max_pool(c: OpContext) -> str:
    return plain(c, f"layers.GlobalMaxPooling{rank_of(c)}D")


@RULES.add(
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
def adaptive_pool(c: OpContext) -> str:
    way = "" if "avg" in c.op.name else '"max"'
    return plain(c, c.helper("AdaptivePool"), c.attribute("out"), way)


@RULES.add(LpPool1d, LpPool2d, LpPool3d)
def lp_pool(c: OpContext) -> str:
    kernel, stride = kernel_and_stride(c)
    x, order = c.x, option(c, "p", 2)
    if c.op.values["ceil"]:
        return f"{c.helper('ceil_lp_pool')}({x}, {rounded_up(c)}{order and f', {order}'})"
    if c.op.values["padding"] == "same":
        x = plain(c, c.helper("PadSame"), kernel, stride)
    elif is_padded(c):
        x = plain(c, f"layers.ZeroPadding{rank_of(c)}D", c.attribute("padding"))
    return f"{c.helper('lp_pool')}({x}, {kernel}, strides={stride}{order and f', {order}'})"


def rank_of(c: OpContext) -> int:
    """The number of axes after the channels."""
    return c.types[0].rank - 2


def is_padded(c: OpContext) -> bool:
    """Whether there is padding."""
    return literal(c.op.values["padding"]) != "0"


def kernel_and_stride(c: OpContext) -> tuple[str, str]:
    """Kernel and stride of a pool; the stride is the kernel's unless it is given."""
    kernel = c.attribute("kernel")
    return kernel, c.attribute("stride") if c.given("stride") else kernel


def stated(kernel: str, stride: str) -> str:
    """The arguments of a native pool."""
    return kernel if stride == kernel else f"{kernel}, strides={stride}"


def native_window(c: OpContext) -> str:
    """The arguments of a native pool, `same` among them."""
    same = ', padding="same"' if c.op.values["padding"] == "same" else ""
    return stated(*kernel_and_stride(c)) + same


def window(c: OpContext) -> str:
    """The arguments of a padded pool's helper."""
    kernel, stride = kernel_and_stride(c)
    return f"{kernel}, stride={stride}, padding={c.attribute('padding')}"


def rounded_up(c: OpContext) -> str:
    """The arguments of the helper of a pool that rounds its sizes up."""
    kernel, stride = kernel_and_stride(c)
    padding = option(c, "padding", 0)
    return f"{kernel}, stride={stride}{padding and f', {padding}'}"
