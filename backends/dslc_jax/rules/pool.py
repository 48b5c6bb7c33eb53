"""Pooling in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.pool import AvgPool2d, GlobalAvgPool, MaxPool2d
from dslc_jax.axes import padding_pairs, sizes_text
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MaxPool2d)
def max_pool2d(c: OpContext) -> str:
    return f"nnx.max_pool({c.x}, {window(c)})"


@RULES.add(AvgPool2d)
def avg_pool2d(c: OpContext) -> str:
    padded = c.op.values["padding"] != (0, 0)
    option = ", count_include_pad=False" if padded and not c.op.values["count_padding"] else ""
    return f"nnx.avg_pool({c.x}, {window(c)}{option})"


def window(c: OpContext) -> str:
    """Kernel, strides, padding where there is one."""
    kernel = sizes_text(c, "kernel", run=True)
    strides = sizes_text(c, "stride", run=True) if c.given("stride") else kernel
    padding = padding_pairs(c)
    return f"{kernel}, strides={strides}" + (f", padding={padding}" if padding else "")


@RULES.add(GlobalAvgPool)
def global_avg_pool(c: OpContext) -> str:
    axes = tuple(range(1, c.types[0].rank - 1))
    return f"{c.x}.mean({axes[0] if len(axes) == 1 else axes})"
