"""Pooling in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.context import literal
from dslc.ops.pool import AvgPool2d, GlobalAvgPool, MaxPool2d
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(MaxPool2d)
def max_pool2d(c: OpContext) -> str:
    if c.op.values["padding"] == "same" or not is_padded(c):
        return f"layers.MaxPooling2D({native_window(c)})({c.x})"
    return f"{c.helper('max_pool2d')}({c.x}, {window(c)})"


@RULES.add(AvgPool2d)
def avg_pool2d(c: OpContext) -> str:
    same, counts = c.op.values["padding"] == "same", c.op.values["count_padding"]
    if same and counts:
        kernel, stride = kernel_and_stride(c)
        pad = f"{c.helper('PadSame')}({kernel}, {stride})"
        return f"layers.AveragePooling2D({stated(kernel, stride)})({pad}({c.x}))"
    if same or not is_padded(c):
        return f"layers.AveragePooling2D({native_window(c)})({c.x})"
    if counts:
        pad = f"layers.ZeroPadding2D({c.attribute('padding')})({c.x})"
        return f"layers.AveragePooling2D({stated(*kernel_and_stride(c))})({pad})"
    return f"{c.helper('avg_pool2d')}({c.x}, {window(c)})"


@RULES.add(GlobalAvgPool)
def global_avg_pool(c: OpContext) -> str:
    return f"layers.GlobalAveragePooling{c.types[0].rank - 2}D()({c.x})"


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
