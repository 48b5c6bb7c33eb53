"""Pooling in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from dslc_jax.axes import padding_pairs, sizes
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(c: OpContext) -> str:
    return f"nnx.max_pool({c.x}, {window(c)})"


@RULES.add(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(c: OpContext) -> str:
    padded = any(c.op.values["padding"])
    option = ", count_include_pad=False" if padded and not c.op.values["count_padding"] else ""
    return f"nnx.avg_pool({c.x}, {window(c)}{option})"


@RULES.add(LpPool1d, LpPool2d, LpPool3d)
def lp_pool(c: OpContext) -> str:
    return f"{c.helper('lp_pool')}({c.x}, {window(c)}{c.option('p', 2, run=True)})"


def window(c: OpContext) -> str:
    """Kernel, strides, padding where there is one."""
    kernel = window_text(c, "kernel")
    strides = window_text(c, "stride") if c.given("stride") else kernel
    padding = padding_pairs(c)
    return f"{kernel}, strides={strides}" + (f", padding={padding}" if padding else "")


def window_text(c: OpContext, name: str) -> str:
    """The sizes of a window as a tuple."""
    texts = sizes(c, name, run=True)
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"


@RULES.add(GlobalAvgPool, GlobalMaxPool)
def global_pool(c: OpContext) -> str:
    axes = tuple(range(1, c.types[0].rank - 1))
    method = "mean" if isinstance(c.op, GlobalAvgPool) else "max"
    return f"{c.x}.{method}({axes[0] if len(axes) == 1 else axes})"


@RULES.add(
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
def adaptive_pool(c: OpContext) -> str:
    method = "mean" if "avg" in c.op.name else "max"
    count, out = c.types[0].rank - 2, ", ".join(sizes(c, "out", run=True))
    inside = tuple(range(2, 2 * count + 1, 2))
    axes = str(inside[0]) if count == 1 else str(inside)
    return f"{c.helper('adaptive_windows')}({c.x}, {out}).{method}({axes})"
