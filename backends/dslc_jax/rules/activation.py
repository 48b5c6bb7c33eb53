"""Activations in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.activation import Gelu, LeakyRelu, LogSoftmax, Relu, Sigmoid, Silu, Softmax, Tanh
from dslc_jax.axes import axis_text
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Relu, Silu, Sigmoid, Tanh)
def plain(c: OpContext) -> str:
    return f"nnx.{c.op.name}({c.x})"


@RULES.add(LeakyRelu)
def leaky_relu(c: OpContext) -> str:
    return f"nnx.leaky_relu({c.x}, {c.run_attribute('slope')})"


@RULES.add(Gelu)
def gelu(c: OpContext) -> str:
    return f"nnx.gelu({c.x}, approximate={c.op.values['approximate'] == 'tanh'})"


@RULES.add(Softmax, LogSoftmax)
def over_axis(c: OpContext) -> str:
    return f"nnx.{c.op.name}({c.x}, axis={axis_text(c)})"
