"""Attention without projections, and positions, in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.positions import (
    Alibi,
    LearnedPosition,
    RelativePositionBias,
    RotaryEmbedding,
    SinusoidalPosition,
)
from dslc.ops.scaled_attention import ScaledDotProductAttention
from dslc_keras.layers import dtype_option, named, option, plain
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable

    from dslc.emit.functions_context import FunctionContext


@RULES.add(ScaledDotProductAttention)
def scaled_dot_product_attention(c: FunctionContext) -> str:
    given = [c.arg(k) or "" for k in range(3)]
    mask, bias = c.arg(3), c.arg(4)
    if mask:
        rank = c.types[3].rank
        given.append(f"seen=ops.expand_dims({mask}, (1, 2))" if rank == 2 else f"seen={mask}")
    given += [f"bias={bias}"] if bias else []
    names = (("causal", False), ("window", None), ("scale", None), ("dropout", 0.0))
    options = [option(c, name, default) for name, default in names]
    if c.is_seeded and c.op.values["dropout"]:
        return named(c, c.helper("Attend"), *options, call=", ".join(given))
    return plain(c, c.helper("Attend"), *options, call=", ".join(given))


@RULES.add(RotaryEmbedding)
def rotary_embedding(c: FunctionContext) -> str:
    names = (("base", 10000.0), ("dim", None), ("interleaved", False))
    options = [option(c, name, default) for name, default in names]
    return plain(c, c.helper("Rotate"), *options, call=", ".join(c.args))


@RULES.add(SinusoidalPosition)
def sinusoidal_position(c: FunctionContext) -> str:
    options = [option(c, "base", 10000.0), option(c, "interleaved", True)]
    return plain(c, c.helper("Waves"), c.attribute("dim"), *options)


@RULES.add(LearnedPosition)
def learned_position(c: FunctionContext) -> str:
    c.variable()

    def places(x: str, rename: Callable[[str], str]) -> str:
        given = [c.text(name, rename) for name in ("offset", "start") if c.given(name)]
        stop = " + ".join([*given, f"ops.shape({x})[-2]"])
        return f"ops.arange({' + '.join(given) or '0'}, {stop})"

    positions = c.at_run_time(None, places, "The places of a sequence's rows.")
    rows = c.attribute("max") + (f" + {c.attribute('offset')}" if c.given("offset") else "")
    width = c.width(c.types[0].shape[-1])
    return f"{c.x} + {named(c, 'layers.Embedding', rows, width, call=positions)}"


@RULES.add(Alibi)
def alibi(c: FunctionContext) -> str:
    return plain(c, c.helper("Alibi"), c.attribute("heads"), call=f"{c.x}, {c.arg(1) or c.x}")


@RULES.add(RelativePositionBias)
def relative_position_bias(c: FunctionContext) -> str:
    window = "".join(f"{size}, " for size in c.shape_texts("window"))
    options = (f"({window})", c.attribute("heads"), *dtype_option(c), f"name={c.name}")
    return c.call(f"{c.helper('RelativePositionBias')}({', '.join(options)})", c.anchor)
