"""Activations in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.activation import Gelu, LeakyRelu, LogSoftmax, Relu, Sigmoid, Silu, Softmax, Tanh
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Relu, Silu)
def plain(c: OpContext) -> str:
    return f"F.{c.op.name}({c.x})"


@RULES.add(Sigmoid, Tanh)
def torch_function(c: OpContext) -> str:
    return f"torch.{c.op.name}({c.x})"


@RULES.add(LeakyRelu)
def leaky_relu(c: OpContext) -> str:
    slope = c.op.values["slope"]
    return (
        f"F.leaky_relu({c.x})"
        if slope == 0.01
        else f"F.leaky_relu({c.x}, {c.run_attribute('slope')})"
    )


@RULES.add(Gelu)
def gelu(c: OpContext) -> str:
    option = ', approximate="tanh"' if c.op.values["approximate"] == "tanh" else ""
    return f"F.gelu({c.x}{option})"


@RULES.add(Softmax, LogSoftmax)
def over_axis(c: OpContext) -> str:
    return f"F.{c.op.name}({c.x}, dim={c.run_attribute('axis')})"
