"""Numbers drawn at random in JAX: each from a fresh key of the module's own stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.chance import (
    Bernoulli,
    RandomCategorical,
    RandomInteger,
    RandomNormal,
    RandomUniform,
    Reparameterize,
)
from dslc_jax.rules import RULES
from dslc_jax.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


def key(c: OpContext) -> str:
    """A fresh key."""
    c.require("import jax")
    return f"{c.shared_layer('rngs.draws.fork()')}()"


@RULES.add(RandomNormal)
def random_normal(c: OpContext) -> str:
    if c.is_seeded:
        layer = seeded(c, "SeededNormal", c.attribute("mean"), c.attribute("std"))
        return f"{layer}({c.run_shape('shape')})"
    drawn = f"jax.random.normal({key(c)}, {c.run_tuple('shape')})"
    if c.given("std"):
        drawn = f"{c.run_attribute('std')} * {drawn}"
    return f"{c.run_attribute('mean')} + {drawn}" if c.given("mean") else drawn


@RULES.add(RandomUniform)
def random_uniform(c: OpContext) -> str:
    if c.is_seeded:
        layer = seeded(c, "SeededUniform", c.attribute("low"), c.attribute("high"))
        return f"{layer}({c.run_shape('shape')})"
    ends = ""
    if c.given("low") or c.given("high"):
        ends = f", minval={c.run_attribute('low')}, maxval={c.run_attribute('high')}"
    return f"jax.random.uniform({key(c)}, {c.run_tuple('shape')}{ends})"


@RULES.add(RandomInteger)
def random_integer(c: OpContext) -> str:
    if c.is_seeded:
        layer = seeded(c, "SeededInteger", c.attribute("low"), c.attribute("high"))
        return f"{layer}({c.run_shape('shape')})"
    ends = f"{c.run_attribute('low')}, {c.run_attribute('high')}"
    return f"jax.random.randint({key(c)}, {c.run_tuple('shape')}, {ends})"


@RULES.add(RandomCategorical)
def random_categorical(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededCategorical', c.attribute('temperature'))}({c.x})"
    options = c.option("temperature", 1.0, run=True)
    return f"{c.helper('categorical')}({key(c)}, {c.x}{options})"


@RULES.add(Bernoulli)
def bernoulli(c: OpContext) -> str:
    x = c.variable()
    if c.op.values["likelier"]:
        return f"({x} > 0.5).astype({x}.dtype)"
    if c.is_seeded:
        return f"{seeded(c, 'SeededBernoulli')}({x})"
    return f"jax.random.bernoulli({key(c)}, {x}).astype({x}.dtype)"


@RULES.add(Reparameterize)
def reparameterize(c: OpContext) -> str:
    mean, log_variance = c.args
    if c.is_seeded:
        layer = seeded(c, "SeededReparameterize", c.attribute("temperature"))
        return f"{layer}({mean}, {log_variance})"
    options = c.option("temperature", 1.0, run=True)
    return f"{c.helper('reparameterize')}({key(c)}, {mean}, {log_variance}{options})"
