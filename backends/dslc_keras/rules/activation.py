"""Activations in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.activation import Gelu, LeakyRelu, LogSoftmax, Relu, Sigmoid, Silu, Softmax, Tanh
from dslc_keras.layers import axis_text
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Relu)
def relu(c: OpContext) -> str:
    return f"layers.ReLU()({c.x})"


@RULES.add(Silu, Sigmoid, Tanh)
def plain(c: OpContext) -> str:
    return f"ops.{c.op.name}({c.x})"


@RULES.add(LeakyRelu)
def leaky_relu(c: OpContext) -> str:
    return f"layers.LeakyReLU(negative_slope={c.attribute('slope')})({c.x})"


@RULES.add(Gelu)
def gelu(c: OpContext) -> str:
    return f"ops.gelu({c.x}, approximate={c.op.values['approximate'] == 'tanh'})"


@RULES.add(Softmax, LogSoftmax)
def over_axis(c: OpContext) -> str:
    return f"ops.{c.op.name}({c.x}, axis={axis_text(c, c.op.values['axis'])})"
