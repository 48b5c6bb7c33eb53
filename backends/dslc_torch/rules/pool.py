"""Pooling in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.pool import AvgPool2d, GlobalAvgPool, MaxPool2d
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MaxPool2d)
def max_pool2d(c: OpContext) -> str:
    if c.op.values["padding"] == "same":
        kernel, stride = pool_window(c)
        return f"{c.helper('max_pool_same')}({c.x}, {kernel}, {stride})"
    return f"F.max_pool2d({c.x}, {window(c)})"


@RULES.add(AvgPool2d)
def avg_pool2d(c: OpContext) -> str:
    counts = c.op.values["count_padding"]
    if c.op.values["padding"] == "same":
        kernel, stride = pool_window(c)
        option = ", count_padding=True" if counts else ""
        return f"{c.helper('avg_pool_same')}({c.x}, {kernel}, {stride}{option})"
    option = "" if counts or c.op.values["padding"] == (0, 0) else ", count_include_pad=False"
    return f"F.avg_pool2d({c.x}, {window(c)}{option})"


@RULES.add(GlobalAvgPool)
def global_avg_pool(c: OpContext) -> str:
    axes = ", ".join(str(axis) for axis in range(2, c.types[0].rank))
    return f"{c.x}.mean(({axes},))"


def window(c: OpContext) -> str:
    """Kernel, stride where it is another, padding where there is one."""
    kernel, stride = pool_window(c)
    stride = "" if stride == kernel else f", stride={stride}"
    return kernel + stride + c.option("padding", 0, run=True)


def pool_window(c: OpContext) -> tuple[str, str]:
    """Kernel and stride of a pool; the stride is the kernel's unless it is given."""
    kernel = c.run_attribute("kernel")
    return kernel, kernel if not c.given("stride") else c.run_attribute("stride")
