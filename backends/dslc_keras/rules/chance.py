"""Numbers drawn at random in Keras: by layers that hold a generator each."""

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
from dslc_keras.layers import option, plain
from dslc_keras.rules import RULES
from dslc_keras.rules.arrange import shape_text
from dslc_keras.rules.seeded import seeded
from dslc_keras.rules.select import anchored

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.functions_context import FunctionContext


def drawn(c: FunctionContext, helper: str, *options: str) -> str:
    """A layer that draws numbers of a shape: that of the zeros which it is called on."""

    def zeros(x: str, rename: Callable[[str], str]) -> str:
        del x
        return f"ops.zeros({shape_text(c, 'shape', rename)})"

    place = anchored(c, zeros, "Zeros of a shape.")
    if c.is_seeded:
        return seeded(c, f"Seeded{helper.removeprefix('Random')}", *options, call=place)
    return plain(c, c.helper(helper), *options, call=place)


@RULES.add(RandomNormal)
def random_normal(c: FunctionContext) -> str:
    return drawn(c, "RandomNormal", option(c, "mean", 0.0), option(c, "std", 1.0))


@RULES.add(RandomUniform)
def random_uniform(c: FunctionContext) -> str:
    return drawn(c, "RandomUniform", option(c, "low", 0.0), option(c, "high", 1.0))


@RULES.add(RandomInteger)
def random_integer(c: FunctionContext) -> str:
    return drawn(c, "RandomInteger", c.attribute("low"), c.attribute("high"))


@RULES.add(RandomCategorical)
def random_categorical(c: FunctionContext) -> str:
    if c.is_seeded:
        return seeded(c, "SeededCategorical", option(c, "temperature", 1.0))
    return plain(c, c.helper("Categorical"), option(c, "temperature", 1.0))


@RULES.add(Bernoulli)
def bernoulli(c: FunctionContext) -> str:
    if c.op.values["likelier"]:
        return f"ops.cast({c.x} > 0.5, {c.variable()}.dtype)"
    if c.is_seeded:
        return seeded(c, "SeededBernoulli")
    return plain(c, c.helper("Bernoulli"))


@RULES.add(Reparameterize)
def reparameterize(c: FunctionContext) -> str:
    options, call = option(c, "temperature", 1.0), ", ".join(c.args)
    if c.is_seeded:
        return seeded(c, "SeededReparameterize", options, call=call)
    return plain(c, c.helper("Reparameterize"), options, call=call)
