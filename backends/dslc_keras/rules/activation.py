"""Activations in Keras."""

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
from dslc_keras.layers import axis_text, named, option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext
    from dslc.emit.functions_context import FunctionContext

NAMES = {"hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid"}


@RULES.add(Relu)
def relu(c: OpContext) -> str:
    return plain(c, "layers.ReLU") if c.is_symbolic else f"ops.relu({c.x})"


@RULES.add(Silu, Sigmoid, Tanh)
def simple(c: OpContext) -> str:
    return f"ops.{c.op.name}({c.x})"


@RULES.add(LeakyRelu)
def leaky_relu(c: OpContext) -> str:
    if c.types[0].dtype == "f64":
        return f"{c.helper('exact_leaky_relu')}({c.x}, {c.attribute('slope')})"
    is_negative = not varies(c.op, "slope") and c.op.values["slope"] < 0  # which the layer refuses
    if not c.is_symbolic or is_negative:
        return f"ops.leaky_relu({c.x}, {c.attribute('slope')})"
    return plain(c, "layers.LeakyReLU", f"negative_slope={c.attribute('slope')}")


@RULES.add(Gelu)
def gelu(c: OpContext) -> str:
    if c.types[0].dtype == "f64":
        tanh = c.op.values["approximate"] == "tanh"
        return f"{c.helper('exact_gelu')}({c.x}{', approximate=True' * tanh})"
    return f"ops.gelu({c.x}, approximate={c.op.values['approximate'] == 'tanh'})"


@RULES.add(Softmax, LogSoftmax)
def over_axis(c: OpContext) -> str:
    return f"ops.{c.op.name}({c.x}, axis={axis_text(c, c.op.values['axis'])})"


@RULES.add(Softsign)
def softsign(c: FunctionContext) -> str:
    if c.derivatives > 1:  # TensorFlow's has no second
        x = c.variable()
        return f"{x} / (1 + ops.abs({x}))"
    return f"ops.softsign({c.x})"


@RULES.add(Relu6, Selu, Hardswish, Hardsigmoid, Softplus)
def simple_more(c: FunctionContext) -> str:
    return f"ops.{NAMES.get(c.op.name, c.op.name)}({c.x})"


@RULES.add(Mish)
def mish(c: FunctionContext) -> str:
    return plain(c, "layers.Activation", '"mish"')


@RULES.add(Elu, Celu)
def with_alpha(c: FunctionContext) -> str:
    alpha = option(c, "alpha", 1.0)
    return f"ops.{c.op.name}({c.x}{alpha and f', {alpha}'})"


@RULES.add(Prelu)
def prelu(c: FunctionContext) -> str:
    rank = c.types[0].rank
    axes = tuple(range(1, rank if c.op.values["shared"] else rank - 1))
    shared = f"shared_axes={axes}" if axes else ""
    return named(c, "layers.PReLU", "alpha_initializer=keras.initializers.Constant(0.25)", shared)


@RULES.add(QuickGelu)
def quick_gelu(c: FunctionContext) -> str:
    return f"{c.helper('quick_gelu')}({c.x})"


@RULES.add(Glu)
def glu(c: FunctionContext) -> str:
    return f"ops.glu({c.x}, axis={axis_text(c, -1)})"


@RULES.add(Swiglu, Geglu)
def gated(c: FunctionContext) -> str:
    axis = axis_text(c, -1)
    options = "" if axis == "-1" else f", axis={axis}"
    options += ", approximate=True" if c.op.values.get("approximate") == "tanh" else ""
    exact = "exact_" * (c.op.name == "geglu" and c.types[0].dtype == "f64")
    return f"{c.helper(f'{exact}{c.op.name}')}({c.x}{options})"


@RULES.add(Maxout)
def maxout(c: FunctionContext) -> str:
    axis = c.axis(c.op.values["axis"])
    return f"{c.helper('maxout')}({c.x}, {c.attribute('pieces')}, axis={axis})"
