"""Weights of other layers: where a layer of Keras has a weight, and how it lies there.

A layer of which all weights are another's is that layer. One of which some are is wrapped in a `Tied`,
which makes it without them. Where both layers have a weight alike, they have one variable; else it is
turned each time: by way of the portable file's layout, in which any two can meet.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dslc.emit.backend import BuildError
from dslc.ops.activation import Prelu
from dslc.ops.attention import MultiHeadAttention
from dslc.ops.graph import GcnConv, SageConv
from dslc.ops.linear import Conv1d, Conv2d, Conv3d, DepthwiseConv2d, Embedding, Linear
from dslc.ops.lookup import EmbeddingBag
from dslc.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from dslc.ops.positions import LearnedPosition
from dslc.ops.recurrent import Gru, GruCell, Lstm, LstmCell, Rnn, RnnCell
from dslc.ops.tensor import Parameter
from dslc.ops.transposed import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, SeparableConv2d
from dslc_keras.layers import is_grouped, is_native, is_stacked

if TYPE_CHECKING:
    from dslc.emit.formal import FormalStep
    from dslc.emit.functions_context import FunctionContext
    from dslc.ops.base import Op

KERNELS = (Linear, Conv1d, Conv2d, Conv3d, GcnConv, SageConv)
TABLES = (Embedding, EmbeddingBag, LearnedPosition)
NORMS = (BatchNorm, InstanceNorm, LayerNorm, GroupNorm)
TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
PARTS = "parametrizations"
RECURRENT = (Rnn, Lstm, Gru, RnnCell, LstmCell, GruCell)


def place_of(found: FormalStep, weight: str, *, seeded: bool) -> tuple[str, str]:
    """Where the layer of a step has a weight, and how it lies there."""
    op = found.op
    assert op is not None
    part, _, name = weight.rpartition(".")
    kind = "kernel" if name == "weight" else "file"
    if part.startswith("parametrizations"):
        return {"original0": "scale"}.get(name, "layer.kernel"), part
    if op.values.get("normalize", "none") != "none":
        return f"layer.{name}", "file"
    if isinstance(op, MultiHeadAttention):
        return attention(part, name, grouped=is_grouped(found, seeded=seeded))
    if isinstance(op, RECURRENT):
        return recurrent(found, op, weight, seeded=seeded)
    if isinstance(op, SeparableConv2d):
        own = f"{part}_kernel" if name == "weight" else "bias"
        return own, "depthwise" if own == "depthwise_kernel" else kind
    if isinstance(op, DepthwiseConv2d) and name == "weight":
        return "kernel", "depthwise"
    if isinstance(op, KERNELS) or (isinstance(op, TRANSPOSED) and is_native(found)):
        return ("kernel" if name == "weight" else name), kind
    if name == "weight" and isinstance(op, TABLES):
        return "embeddings", "file"
    if isinstance(op, NORMS):
        return {"weight": "gamma", "bias": "beta"}[name], "file"
    if isinstance(op, RmsNorm):
        return "scale", "file"
    if isinstance(op, Prelu):
        return "alpha", "flat"
    return ("value", "file") if isinstance(op, Parameter) else (weight, "file")


def attention(part: str, name: str, *, grouped: bool) -> tuple[str, str]:
    """A projection of an attention, whose heads are an axis of their own in Keras's layer."""
    if grouped:
        if part.endswith("norm"):
            return f"{part}.scale", "file"
        return (f"{part}.kernel", "kernel") if name == "weight" else (f"{part}.{name}", "file")
    if part == "out":
        return f"output_dense.{'kernel' if name == 'weight' else name}", (
            "out" if name == "weight" else "file"
        )
    own = "kernel" if name == "weight" else name
    return f"{part}_dense.{own}", "heads" if name == "weight" else "flat"


def recurrent(found: FormalStep, op: Op, weight: str, *, seeded: bool) -> tuple[str, str]:
    """A weight of a recurrent layer or cell."""
    name, _, layer = weight.partition("_l")
    start = "cell." if layer else ""
    if layer and is_stacked(found, seeded=seeded):
        start = f"parts.l{layer}.cell."
    is_gru = isinstance(op, Gru | GruCell)
    if name.startswith("weight"):
        own = "kernel" if name == "weight_ih" else "recurrent_kernel"
        return f"{start}{own}", "gates" if is_gru else "kernel"
    if is_gru:
        return f"{start}bias.{0 if name == 'bias_ih' else 1}", "gates"
    return f"{start}bias", "file"


def with_others(c: FunctionContext, constructor: str, arguments: str) -> tuple[str, str]:
    """A layer that has some weights of other layers, and what it is called on."""
    given: list[str] = []
    owns: list[str] = []
    for weight in sorted(c.untied):
        own, wanted = place_of(c.found, weight, seeded=c.is_seeded)
        owns.append(own)
        layer, name, lies = owner_of(c, weight)
        alike = lies == wanted != "flat"  # flat in the file, and in layers of any shape
        turn = [] if alike else [f'"{lies}"', f'"{wanted}"']
        if turn and (PARTS in lies or PARTS in wanted):
            reason = f"`{c.op.name}` cannot have `{weight}` of another layer in the keras backend"
            raise BuildError(f"{reason}: it is a part of a weight, and the other is none like it")
        given.append(f'"{own}": ({", ".join([layer, repr(name), *turn])})')
    node = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(node, ast.Call)
    texts = [ast.unparse(part) for part in node.args]
    fixed = [k for k in node.keywords if isinstance(k.value, ast.Constant)]
    tensors = [k for k in node.keywords if not isinstance(k.value, ast.Constant)]
    options = [f"{{{', '.join(given)}}}"]
    if tensors:
        options.append(f"keywords=[{', '.join(repr(k.arg) for k in tensors)}]")
        texts += [ast.unparse(k.value) for k in tensors]
    if fixed:
        options.append(
            f"options={{{', '.join(f'{k.arg!r}: {ast.unparse(k.value)}' for k in fixed)}}}"
        )
    halves = any(key.rpartition(".")[2].isdigit() for key in owns)
    made = f"{c.helper('TiedGru' if halves else 'Tied')}({', '.join([constructor, *options])})"
    return made, texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def owner_of(c: FunctionContext, weight: str) -> tuple[str, str, str]:
    """The layer that has a weight of an op, the weight's name in it, and how it lies there."""
    layer, name = c.owner_layer_kept(weight)
    found = c.writer.tied_found(c.step, c.step.tie[weight])
    own, lies = place_of(found, name, seeded=c.is_seeded)
    return layer, own, lies


def tied_tensor(c: FunctionContext, weight: str) -> str:
    """A weight that is another layer's, as a tensor of the graph, as the portable file has it."""
    layer, own, lies = owner_of(c, weight)
    c.owner_layer(weight)
    turn = "" if lies == "file" else f', "{lies}"'
    return f"{c.helper('WeightOf')}({layer}, {own!r}{turn})({c.anchor})"
