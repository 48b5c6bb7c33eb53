"""Numbers drawn at random; each step has a seed of its own, made from its path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import onnx_ir as ir

from dslc.ir.types import TensorType
from dslc.ops.chance import (
    Bernoulli,
    RandomCategorical,
    RandomInteger,
    RandomNormal,
    RandomUniform,
    Reparameterize,
)
from dslc_onnx.rules import RULES
from dslc_onnx.types import DTYPES, numpy_dtype

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


def seed(at: Lowering[Any]) -> float:
    """The step's own seed, which float32 holds exactly."""
    return float(crc32(at.path.encode()) % 2**24)


def zeros(at: Lowering[Any], dtype: str = "f32") -> ir.Value:
    """Zeros of the step's shape."""
    number = ir.tensor(np.zeros(1, numpy_dtype(dtype)))
    type = at.type.with_dtype(dtype)
    return at.emit(
        *("ConstantOfShape", at.sizes.shape(type.shape)), type=type, label="zeros", value=number
    )


def uniform(at: Lowering[Any], like: ir.Value, type: TensorType) -> ir.Value:
    """Numbers between 0 and 1, of a value's shape."""
    return at.emit("RandomUniformLike", like, type=type, label="uniform", seed=seed(at))


@RULES.add(RandomNormal)
def random_normal(at: Lowering[RandomNormal]) -> Result:
    """`RandomNormalLike`, which takes no deviation of 0."""
    mean, std = at.op.mean, at.op.std
    if std == 0:
        number = ir.tensor(np.array([mean], np.float32))
        return at.emit("ConstantOfShape", at.sizes.shape(at.type.shape), value=number)
    return at.emit("RandomNormalLike", zeros(at), mean=mean, scale=std, seed=seed(at))


@RULES.add(RandomUniform)
def random_uniform(at: Lowering[RandomUniform]) -> Result:
    """`RandomUniformLike`."""
    low, high = at.op.low, at.op.high
    return at.emit("RandomUniformLike", zeros(at), low=low, high=high, seed=seed(at))


@RULES.add(RandomInteger)
def random_integer(at: Lowering[RandomInteger]) -> Result:
    """`RandomUniformLike` in float64, then `Floor`."""
    low, high = at.known(at.op.low, "low"), at.known(at.op.high, "high")
    wide = at.type.with_dtype("f64")
    drawn = at.emit(
        *("RandomUniformLike", zeros(at, "f64")),
        type=wide,
        label="drawn",
        low=float(low),
        high=float(high),
        seed=seed(at),
    )
    whole = at.emit("Floor", drawn, type=wide, label="whole")
    return at.emit("Cast", whole, to=DTYPES["i64"].value)


@RULES.add(RandomCategorical)
def random_categorical(at: Lowering[RandomCategorical]) -> Result:
    """`ArgMax` of the logits with Gumbel's noise, `-log(-log(u))`."""
    type, logits = at.operand().type, at.input()
    if at.op.temperature:
        value = uniform(at, logits, type)
        for label in ("first", "second"):
            value = at.emit("Log", value, type=type, label=f"{label}_log")
            value = at.emit("Neg", value, type=type, label=label)
        factor = at.number(at.op.temperature, type.dtype)
        noise = at.emit("Mul", value, factor, type=type, label="noise")
        logits = at.emit("Add", logits, noise, type=type, label="noisy")
    return at.emit("ArgMax", logits, axis=type.rank - 1, keepdims=0)


@RULES.add(Bernoulli)
def bernoulli(at: Lowering[Bernoulli]) -> Result:
    """A uniform number below the probability."""
    x = at.input()
    limit = at.number(0.5) if at.op.likelier else uniform(at, x, at.type)
    found = at.emit("Less", limit, x, type=at.type.with_dtype("bool"), label="found")
    return at.emit("Cast", found, to=DTYPES[at.type.dtype].value)


@RULES.add(Reparameterize)
def reparameterize(at: Lowering[Reparameterize]) -> Result:
    """Normal noise, scaled and shifted."""
    mean, log_variance = at.input(0), at.input(1)
    spread = at.operand(1).type
    half = at.emit("Mul", log_variance, at.number(0.5), type=spread, label="half")
    std = at.emit("Exp", half, type=spread, label="std")
    noise, scale = at.number(0.0), spread
    if at.op.temperature:
        scale = at.type
        like = at.emit("Add", mean, std, type=at.type, label="like")
        drawn = {"scale": at.op.temperature, "seed": seed(at)}
        noise = at.graph.node("RandomNormalLike", [like], [(f"{at.path}/noise", at.type)], drawn)[0]
    scaled = at.emit("Mul", std, noise, type=scale, label="scaled")
    return at.emit("Add", mean, scaled)
