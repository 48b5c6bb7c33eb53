"""Numbers drawn at random in PyTorch."""

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
from dslc_torch.rules import RULES
from dslc_torch.rules.seeded import seeded
from dslc_torch.rules.select import device

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(RandomNormal)
def random_normal(c: OpContext) -> str:
    if c.is_seeded:
        layer = seeded(c, "SeededNormal", c.attribute("mean"), c.attribute("std"))
        return f"{layer}({c.run_shape('shape')})"
    place = f"{c.run_tuple('shape')}, dtype=torch.float32, device={device(c)}"
    return f"torch.normal({c.run_attribute('mean')}, {c.run_attribute('std')}, {place})"


@RULES.add(RandomUniform)
def random_uniform(c: OpContext) -> str:
    if c.is_seeded:
        layer = seeded(c, "SeededUniform", c.attribute("low"), c.attribute("high"))
        return f"{layer}({c.run_shape('shape')})"
    made = f"torch.empty({c.run_tuple('shape')}, dtype=torch.float32, device={device(c)})"
    return f"{made}.uniform_({c.run_attribute('low')}, {c.run_attribute('high')})"


@RULES.add(RandomInteger)
def random_integer(c: OpContext) -> str:
    if c.is_seeded:
        layer = seeded(c, "SeededInteger", c.attribute("low"), c.attribute("high"))
        return f"{layer}({c.run_shape('shape')})"
    ends = f"{c.run_attribute('low')}, {c.run_attribute('high')}"
    return f"torch.randint({ends}, {c.run_tuple('shape')}, device={device(c)})"


@RULES.add(RandomCategorical)
def random_categorical(c: OpContext) -> str:
    if c.is_seeded:
        return f"{seeded(c, 'SeededCategorical', c.attribute('temperature'))}({c.x})"
    return f"{c.helper('categorical')}({c.x}{c.option('temperature', 1.0, run=True)})"


@RULES.add(Bernoulli)
def bernoulli(c: OpContext) -> str:
    if c.op.values["likelier"]:
        return f"({c.x} > 0.5).to({c.variable()}.dtype)"
    if c.is_seeded:
        return f"{seeded(c, 'SeededBernoulli')}({c.x})"
    return f"torch.bernoulli({c.x})"


@RULES.add(Reparameterize)
def reparameterize(c: OpContext) -> str:
    mean, log_variance = c.args
    if c.is_seeded:
        layer = seeded(c, "SeededReparameterize", c.attribute("temperature"))
        return f"{layer}({mean}, {log_variance})"
    options = c.option("temperature", 1.0, run=True)
    return f"{c.helper('reparameterize')}({mean}, {log_variance}{options})"
