"""The words of Flax NNX: modules over channels-last arrays, `None` for what is absent."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from dslc.emit.target import Target
from dslc.ops.regulariser import Dropout, DropPath, GaussianNoise, SpatialDropout
from dslc.ops.tensor import Flatten, Transpose
from dslc_jax.rules import RULES
from dslc_jax.scans import scan, stacked

if TYPE_CHECKING:
    from dslc.emit.classes import ClassWriter
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText


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

    def concatenated(self, texts: list[str], axis: str) -> str:
        return f"jnp.concatenate([{', '.join(texts)}], axis={axis})"

    def scan(self, writer: ClassWriter, text: ScanText) -> list[Statement]:
        return scan(writer, text)

    def stacked_rounds(self, text: ScanText) -> str:
        return stacked(text)

    def stacked(self, texts: list[str], axis: str) -> str:
        return f"jnp.stack([{', '.join(texts)}], axis={axis})"
