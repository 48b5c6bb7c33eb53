"""Activations in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from dslc_jax.axes import axis_text, last_axis
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Relu, Relu6, Selu, Silu, Sigmoid, Tanh, Softplus)
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


@RULES.add(Elu, Celu)
def with_alpha(c: OpContext) -> str:
    return f"nnx.{c.op.name}({c.x}{c.option('alpha', 1.0, run=True)})"


@RULES.add(Mish)
def mish(c: OpContext) -> str:
    return f"jax.nn.mish({c.x})"


@RULES.add(Hardswish, Hardsigmoid, Softsign)
def renamed(c: OpContext) -> str:
    names = {"hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid", "softsign": "soft_sign"}
    return f"nnx.{names[c.op.name]}({c.x})"


@RULES.add(Prelu)
def prelu(c: OpContext) -> str:
    slopes = "" if c.op.values["shared"] else f"{c.size(c.types[0].shape[1])}"
    return f"{c.layer(c.helper('PReLU') + f'({slopes})')}({c.x})"


@RULES.add(QuickGelu)
def quick_gelu(c: OpContext) -> str:
    return f"{c.helper('quick_gelu')}({c.x})"


@RULES.add(Glu)
def glu(c: OpContext) -> str:
    axis = last_axis(c)
    return f"nnx.glu({c.x}{'' if axis == '-1' else f', {axis}'})"


@RULES.add(Swiglu, Geglu)
def gated(c: OpContext) -> str:
    axis = last_axis(c)
    options = "" if axis == "-1" else f", {axis}"
    options += ", approximate=True" if c.op.values.get("approximate") == "tanh" else ""
    return f"{c.helper(c.op.name)}({c.x}{options})"


@RULES.add(Maxout)
def maxout(c: OpContext) -> str:
    axis = c.axis(c.op.values["axis"])
    return f"{c.helper('maxout')}({c.x}, {c.run_attribute('pieces')}, {axis})"
