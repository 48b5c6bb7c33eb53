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
from dslc.ops.windows import beyond
from dslc_jax.axes import padding_pairs, sizes
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(c: OpContext) -> str:
    return f"nnx.max_pool({c.x}, {window(c)})"


@RULES.add(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(c: OpContext) -> str:
    padded, counts = any(c.op.values["padding"]), c.op.values["count_padding"]
    if c.op.values["ceil"]:
        x, padding = c.x, ends(c)
        if padded and counts:  # what is beyond the padding does not count
            own = ", ".join(f"({text}, {text})" for text in sizes(c, "padding", run=True))
            x, padding = f"jnp.pad({x}, ((0, 0), {own}, (0, 0)))", ends(c, padded=True)
        return f"nnx.avg_pool({x}, {kernel_and_strides(c)}, padding={padding}, count_include_pad=False)"
    option = ", count_include_pad=False" if padded and not counts else ""
    return f"nnx.avg_pool({c.x}, {window(c)}{option})"


@RULES.add(LpPool1d, LpPool2d, LpPool3d)
def lp_pool(c: OpContext) -> str:
    return f"{c.helper('lp_pool')}({c.x}, {window(c)}{c.option('p', 2, run=True)})"


def window(c: OpContext) -> str:
    """Kernel, strides, padding where there is one."""
    padding = ends(c) if c.op.values.get("ceil") else padding_pairs(c)
    return kernel_and_strides(c) + (f", padding={padding}" if padding else "")


def kernel_and_strides(c: OpContext) -> str:
    """Kernel and strides; these are the kernel's sizes unless they are given."""
    kernel = window_text(c, "kernel")
    strides = window_text(c, "stride") if c.given("stride") else kernel
    return f"{kernel}, strides={strides}"


def ends(c: OpContext, *, padded: bool = False) -> str:
    """The padding of a pool that rounds its sizes up; what lies behind, where it is padded already."""
    stride = "stride" if c.given("stride") else "kernel"
    texts = (sizes(c, name, run=True) for name in ("kernel", stride, "padding"))
    pairs: list[str] = []
    for kernel, step, padding in zip(*texts, strict=True):
        if (kernel + step + padding).isdigit():
            behind = beyond(int(kernel), int(step), int(padding))
            pairs.append(f"(0, {behind - int(padding)})" if padded else f"({padding}, {behind})")
        else:
            reach = step if padding == "0" else f"{padding} + {step}"
            behind = f"min({reach}, {kernel}) - 1" + (f" - {padding}" if padded else "")
            pairs.append(f"({0 if padded else padding}, {behind})")
    return f"({', '.join(pairs)}{',' * (len(pairs) == 1)})"


def window_text(c: OpContext, name: str) -> str:
    """The sizes of a window as a tuple."""
    texts = sizes(c, name, run=True)
    return f"({texts[0]},)" if len(texts) == 1 else f"({', '.join(texts)})"


@RULES.add(GlobalAvgPool, GlobalMaxPool)
def global_pool(c: OpContext) -> str:
    axes = tuple(range(1, c.types[0].rank - 1))
    if isinstance(c.op, GlobalMaxPool):
        return f"{c.helper('largest')}({c.x}, {axes})"
    return f"{c.x}.mean({axes[0] if len(axes) == 1 else axes})"


@RULES.add(
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
def adaptive_pool(c: OpContext) -> str:
    way = ", largest_of=True" if "max" in c.op.name else ""
    out = ", ".join(sizes(c, "out", run=True))
    return f"{c.helper('adaptive_pool')}({c.x}, {out}{way})"
