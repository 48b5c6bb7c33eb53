"""Activations in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.emit.varying import varies
from dslc.ops.activation import (
    Celu,
    Elu,
    Gelu,
    Hardsigmoid,
    Hardswish,
    LeakyRelu,
    LogSoftmax,
    Mish,
    Prelu,
    QuickGelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from dslc.ops.gated import Geglu, Glu, Maxout, Swiglu
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Relu, Relu6, Selu, Silu, Mish, Hardswish, Softplus, Softsign)
def plain(c: OpContext) -> str:
    return f"F.{c.op.name}({c.x})"


@RULES.add(Hardsigmoid)
def hardsigmoid(c: OpContext) -> str:
    if c.derivatives > 1:  # PyTorch's own has no second
        return f"F.relu6({c.x} + 3) / 6"
    return f"F.hardsigmoid({c.x})"


@RULES.add(Sigmoid, Tanh)
def torch_function(c: OpContext) -> str:
    return f"torch.{c.op.name}({c.x})"


@RULES.add(LeakyRelu)
def leaky_relu(c: OpContext) -> str:
    if not varies(c.op, "slope") and c.op.values["slope"] == 0.01:
        return f"F.leaky_relu({c.x})"
    return f"F.leaky_relu({c.x}, {c.run_attribute('slope')})"


@RULES.add(Gelu)
def gelu(c: OpContext) -> str:
    option = ', approximate="tanh"' if c.op.values["approximate"] == "tanh" else ""
    return f"F.gelu({c.x}{option})"


@RULES.add(Softmax, LogSoftmax)
def over_axis(c: OpContext) -> str:
    return f"F.{c.op.name}({c.x}, dim={c.run_attribute('axis')})"


@RULES.add(Elu, Celu)
def with_alpha(c: OpContext) -> str:
    return f"F.{c.op.name}({c.x}{c.option('alpha', 1.0, run=True)})"


@RULES.add(Prelu)
def prelu(c: OpContext) -> str:
    slopes = "" if c.op.values["shared"] else c.size(c.types[0].shape[1])
    return f"{c.layer(f'nn.PReLU({slopes})')}({c.x})"


@RULES.add(Glu)
def glu(c: OpContext) -> str:
    return f"F.glu({c.x})"


@RULES.add(QuickGelu, Swiglu)
def helped(c: OpContext) -> str:
    return f"{c.helper(c.op.name)}({c.x})"


@RULES.add(Geglu)
def geglu(c: OpContext) -> str:
    option = ', approximate="tanh"' if c.op.values["approximate"] == "tanh" else ""
    return f"{c.helper('geglu')}({c.x}{option})"


@RULES.add(Maxout)
def maxout(c: OpContext) -> str:
    axis = c.op.values["axis"] % c.types[0].rank
    return f"{c.x}.unflatten({axis}, (-1, {c.run_attribute('pieces')})).amax({axis + 1})"
