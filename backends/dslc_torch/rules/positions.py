"""Attention without projections, and positions, in PyTorch."""

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
from dslc_torch.rules import RULES
from dslc_torch.rules.seeded import seeded

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(ScaledDotProductAttention)
def scaled_dot_product_attention(c: OpContext) -> str:
    values, query, key = c.op.values, c.types[0], c.types[1]
    texts = [c.arg(k) or "" for k in range(3)]
    mask, bias = c.arg(3), c.arg(4)
    if mask and c.types[3].rank == 2:
        mask = f"{mask}[:, None, None]"
    dropout = f"{c.run_attribute('dropout')} if self.training else 0.0"
    scale = "" if values["scale"] is None else f"scale={c.run_attribute('scale')}"
    square = query.shape[2] == key.shape[2]
    drops = c.is_seeded and bool(values["dropout"])
    ours = bias or drops or values["window"] is not None
    ours = ours or (values["causal"] and (mask or not square))
    options = [f"mask={mask}" if ours else f"attn_mask={mask}"] if mask else []
    options += [f"bias={bias}"] if bias else []
    options += [scale] if scale else []
    if ours:
        options += ["causal=True"] if values["causal"] else []
        options += [f"window={c.run_attribute('window')}"] if values["window"] is not None else []
        if drops:
            options.append(f"dropout={seeded(c, 'SeededDropout', c.attribute('dropout'))}")
            return f"{c.helper('attend_dropping')}({', '.join([*texts, *options])})"
        options += [f"dropout={dropout}"] if values["dropout"] else []
        return f"{c.helper('attend')}({', '.join([*texts, *options])})"
    options += ["is_causal=True"] if values["causal"] else []
    options += [f"dropout_p={dropout}"] if values["dropout"] else []
    options += ["enable_gqa=True"] if query.shape[1] != key.shape[1] else []
    return f"F.scaled_dot_product_attention({', '.join([*texts, *options])})"


@RULES.add(RotaryEmbedding)
def rotary_embedding(c: OpContext) -> str:
    dim = "" if c.op.values["dim"] is None else f", dim={c.run_attribute('dim')}"
    options = c.option("base", 10000.0, run=True) + dim + c.option("interleaved", False, run=True)
    return f"{c.helper('rotate')}({', '.join(c.args)}{options})"


@RULES.add(SinusoidalPosition)
def sinusoidal_position(c: OpContext) -> str:
    options = c.option("base", 10000.0, run=True) + c.option("interleaved", True, run=True)
    return f"{c.helper('waves')}({c.x}, {c.run_attribute('dim')}{options})"


@RULES.add(LearnedPosition)
def learned_position(c: OpContext) -> str:
    x = c.variable()
    rows = c.attribute("max") + (f" + {c.attribute('offset')}" if c.given("offset") else "")
    layer = c.layer(f"nn.Embedding({rows}, {c.size(c.types[0].shape[-1])})")
    given = [c.run_attribute(name) for name in ("offset", "start") if c.given(name)]
    stop = " + ".join([*given, f"{x}.shape[-2]"])
    start = f"{' + '.join(given)}, " if given else ""
    return f"{x} + {layer}(torch.arange({start}{stop}, device={x}.device))"


@RULES.add(Alibi)
def alibi(c: OpContext) -> str:
    key = c.arg(1) or c.x
    return f"{c.helper('alibi')}({c.x}, {key}, {c.run_attribute('heads')})"


@RULES.add(RelativePositionBias)
def relative_position_bias(c: OpContext) -> str:
    window = "".join(f"{size}, " for size in c.shape_texts("window"))
    layer = f"{c.helper('RelativePositionBias')}(({window}), {c.attribute('heads')})"
    return f"{c.layer(layer)}()"
