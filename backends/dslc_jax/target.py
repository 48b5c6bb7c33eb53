"""The words of Flax NNX: modules over channels-last arrays, `None` for what is absent."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from dslc.emit.flow import listed
from dslc.emit.target import Target
from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc.ops.tensor import Flatten, Transpose
from dslc_jax.rules import RULES
from dslc_jax.scans import scan, stacked
from dslc_jax.ties import own_name, tied_variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.emit.classes import ClassWriter
    from dslc.emit.context import OpContext
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText
    from dslc.ops.base import Op


@final
class JaxTarget(Target):
    """`nnx.Module` classes; every constructor takes `rngs`."""

    name = "jax"
    base = "nnx.Module"
    call_name = "__call__"
    tensor = "Array"
    imports = (
        "import jax",
        "import jax.numpy as jnp",
        "from flax import nnx",
        "from jax import Array",
    )
    generator = "rngs"
    generator_type = "nnx.Rngs"
    helpers = (
        Path(__file__).with_name("helpers.py"),
        Path(__file__).with_name("helpers_attention.py"),
        Path(__file__).with_name("helpers_losses.py"),
        Path(__file__).with_name("helpers_recurrent.py"),
        Path(__file__).with_name("helpers_seeded.py"),
        Path(__file__).with_name("helpers_normed.py"),
        Path(__file__).with_name("helpers_reduction.py"),
        Path(__file__).with_name("helpers_chance.py"),
        Path(__file__).with_name("helpers_lookup.py"),
        Path(__file__).with_name("helpers_measures.py"),
        Path(__file__).with_name("helpers_graph.py"),
        Path(__file__).with_name("helpers_boxes.py"),
        Path(__file__).with_name("helpers_regions.py"),
        Path(__file__).with_name("helpers_mixture.py"),
        Path(__file__).with_name("helpers_sampling.py"),
    )
    channels_last = True
    names = (
        "Literal",
        "partial",
        "batch_norm",
        "conv1d",
        "conv2d",
        "depthwise_conv2d",
        "layer_norm",
    )
    any_layout = (Flatten, Transpose)
    reads_twice = True
    layer_ops = (Dropout, SpatialDropout, DropPath, GaussianNoise)
    seeded = MappingProxyType({"nnx.Dropout": "SeededDropout"})
    dtypes = MappingProxyType({"i64": "i32"})
    rules = RULES

    def __init__(self, io_layout: str = "spec") -> None:
        self.io_layout = io_layout

    def new_list(self) -> str:
        return "nnx.List([])"

    def listed(self, comprehension: str) -> str:
        return f"nnx.List({comprehension})"

    def optional(self, constructor: str, condition: str, *, alone: bool) -> str:
        return f"{constructor} if {condition} else None"

    def call_optional(self, layer: str, args: str, otherwise: str) -> str:
        return f"{layer}({args}) if {layer} else {otherwise}"

    def without(self, context: OpContext, constructor: str, weights: list[str]) -> str:
        return f"{context.helper('without')}({constructor}, {', '.join(map(repr, weights))})"

    def own_name(self, op: Op, weight: str) -> str:
        return own_name(op, weight)

    def tied_text(self, context: OpContext, weight: str) -> str:
        return tied_variable(context, weight)

    def call_given(
        self, context: OpContext, layer: str, weights: Mapping[str, str], arguments: list[str]
    ) -> str:
        given = ", ".join(f"{name!r}: {text}" for name, text in weights.items())
        made = f"{context.helper('with_weights')}({layer}, {{{given}}})"
        return f"{made}({', '.join(arguments)})"

    def concatenated(self, texts: list[str], axis: str) -> str:
        return f"jnp.concatenate({listed(texts)}, axis={axis})"

    def scan(self, writer: ClassWriter, text: ScanText) -> list[Statement]:
        return scan(writer, text)

    def stacked_rounds(self, text: ScanText) -> str:
        return stacked(text)

    def stacked(self, texts: list[str], axis: str) -> str:
        return f"jnp.stack({listed(texts)}, axis={axis})"
