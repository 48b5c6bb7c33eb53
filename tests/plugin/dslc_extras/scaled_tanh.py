"""An op without weights: one line for each backend."""

from pathlib import Path
from typing import Any

from dslc.plugin import Elementwise, Number, rule

HERE = Path(__file__).parent


class ScaledTanh(Elementwise):
    """`scale * tanh(slope * x)`. Source: LeCun et al. 1998, "Efficient BackProp"."""

    family = "activation"
    primary = "scale"
    cost = 6
    scale = Number(1.7159, doc="the largest value")
    slope = Number(2 / 3, doc="the factor of `x`")


@rule("torch", ScaledTanh)
def in_torch(c: Any) -> str:
    return f"{c.run_attribute('scale')} * torch.tanh({c.run_attribute('slope')} * {c.x})"


@rule("jax", ScaledTanh)
def in_jax(c: Any) -> str:
    return f"{c.run_attribute('scale')} * jnp.tanh({c.run_attribute('slope')} * {c.x})"


@rule("keras", ScaledTanh, helpers=str(HERE / "keras_helpers.py"))
def in_keras(c: Any) -> str:
    numbers = f"{c.attribute('scale')}, {c.attribute('slope')}"
    return f"{c.helper('scaled_tanh')}({c.x}, {numbers})"


@rule("onnx", ScaledTanh)
def in_onnx(at: Any) -> Any:
    at.keep_form()
    slope, scale = (at.number(value) for value in (at.op.slope, at.op.scale))
    bent = at.emit("Tanh", at.emit("Mul", at.input(), slope, label="sloped"), label="bent")
    return at.emit("Mul", bent, scale)
