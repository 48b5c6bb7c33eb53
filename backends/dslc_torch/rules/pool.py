"""Pooling in PyTorch."""

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
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(c: OpContext) -> str:
    if c.op.values["padding"] == "same":
        kernel, stride = pool_window(c)
        return f"{c.helper('max_pool_same')}({c.x}, {kernel}, {stride})"
    return f"F.{c.op.name}({c.x}, {window(c)}{rounding(c)})"


@RULES.add(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(c: OpContext) -> str:
    counts = c.op.values["count_padding"]
    if c.op.values["padding"] == "same":
        kernel, stride = pool_window(c)
        option = ", count_padding=True" if counts else ""
        return f"{c.helper('avg_pool_same')}({c.x}, {kernel}, {stride}{option})"
    padded = any(c.op.values["padding"])
    option = "" if counts or not padded else ", count_include_pad=False"
    if isinstance(c.op, AvgPool3d) and (padded or c.op.values["ceil"]):
        kernel, stride = pool_window(c)
        places = f"{kernel}, {stride}, {c.run_attribute('padding')}{rounding(c)}{option}"
        return f"{c.helper('avg_pool3d')}({c.x}, {places})"
    return f"F.{c.op.name}({c.x}, {window(c)}{rounding(c)}{option})"


@RULES.add(GlobalAvgPool)
def global_avg_pool(c: OpContext) -> str:
    axes = ", ".join(str(axis) for axis in range(2, c.types[0].rank))
    return f"{c.x}.mean(({axes},))"


@RULES.add(GlobalMaxPool)
def global_max_pool(c: OpContext) -> str:
    axes = ", ".join(str(axis) for axis in range(2, c.types[0].rank))
    return f"{c.x}.amax(({axes},))"


@RULES.add(
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
def adaptive_pool(c: OpContext) -> str:
    return f"F.{c.op.name}({c.x}, {c.run_attribute('out')})"


@RULES.add(LpPool1d, LpPool2d, LpPool3d)
def lp_pool(c: OpContext) -> str:
    kernel, stride = pool_window(c)
    x, padding = c.x, c.option("padding", 0, run=True)
    if c.op.values["padding"] == "same":
        x, padding = f"{c.helper('pad_same')}({x}, {kernel}, {stride})", ""
    options = c.option("p", 2, run=True) + (", ceil=True" if c.op.values["ceil"] else "")
    return f"{c.helper('lp_pool')}({x}, {kernel}, {stride}{padding}{options})"


def window(c: OpContext) -> str:
    """Kernel, stride where it is another, padding where there is one."""
    kernel, stride = pool_window(c)
    stride = "" if stride == kernel else f", stride={stride}"
    return kernel + stride + c.option("padding", 0, run=True)


def rounding(c: OpContext) -> str:
    """How the size is rounded, where that is up."""
    return ", ceil_mode=True" if c.op.values["ceil"] else ""


def pool_window(c: OpContext) -> tuple[str, str]:
    """Kernel and stride of a pool; the stride is the kernel's unless it is given."""
    kernel = c.run_attribute("kernel")
    return kernel, kernel if not c.given("stride") else c.run_attribute("stride")
