"""The words of PyTorch: modules, lists of modules, identities for what is absent."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from dslc.emit.flow import listed
from dslc.emit.target import Target
from dslc_torch.rules import RULES
from dslc_torch.scans import scan, stacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dslc.emit.classes import ClassWriter
    from dslc.emit.context import OpContext
    from dslc.emit.python import Statement
    from dslc.emit.scans import ScanText


@final
class TorchTarget(Target):
    """`nn.Module` classes over channels-first tensors."""

    name = "torch"
    base = "nn.Module"
    call_name = "forward"
    tensor = "Tensor"
    imports = (
        "import torch",
        "from torch import Tensor",
        "from torch import nn",
        "from torch.nn import functional as F",
    )
    prelude = ("super().__init__()",)
    helpers = (
        Path(__file__).with_name("helpers.py"),
        Path(__file__).with_name("helpers_attention.py"),
        Path(__file__).with_name("helpers_losses.py"),
        Path(__file__).with_name("helpers_recurrent.py"),
        Path(__file__).with_name("helpers_seeded.py"),
        Path(__file__).with_name("helpers_chance.py"),
        Path(__file__).with_name("helpers_measures.py"),
        Path(__file__).with_name("helpers_graph.py"),
        Path(__file__).with_name("helpers_boxes.py"),
        Path(__file__).with_name("helpers_regions.py"),
        Path(__file__).with_name("helpers_mixture.py"),
    )
    names = ("spectral_norm", "weight_norm")
    seeded = MappingProxyType({"nn.Dropout": "SeededDropout"})
    rules = RULES

    def new_list(self) -> str:
        return "nn.ModuleList()"

    def listed(self, comprehension: str) -> str:
        kind = "Parameter" if comprehension.startswith("nn.Parameter(") else "Module"
        return f"nn.{kind}List({comprehension})"

    def optional(self, constructor: str, condition: str, *, alone: bool) -> str:
        return f"{constructor} if {condition} else {'nn.Identity()' if alone else None}"

    def none_if_absent(self, constructor: str) -> str:
        return re.sub(r" else nn\.Identity\(\)$", " else None", constructor)

    def call_optional(self, layer: str, args: str, otherwise: str) -> str:
        if args == otherwise:
            return f"{layer}({args})"
        return f"{layer}({args}) if {layer} is not None else {otherwise}"

    def in_dtype(self, constructor: str, dtype: str) -> str:
        words = {"f16": "half", "bf16": "bfloat16", "f64": "double"}
        return f"{constructor}.{words[dtype]}()"

    def without(self, context: OpContext, constructor: str, weights: list[str]) -> str:
        return f"{context.helper('without')}({constructor}, {', '.join(map(repr, weights))})"

    def call_given(
        self, context: OpContext, layer: str, weights: Mapping[str, str], arguments: list[str]
    ) -> str:
        context.require("from torch.func import functional_call")
        named = [text for text in arguments if re.match(r"\w+=[^=]", text)]
        values = arguments[: len(arguments) - len(named)]
        given = ", ".join(f"{name!r}: {text}" for name, text in weights.items())
        texts = [layer, f"{{{given}}}", values[0] if len(values) == 1 else f"({', '.join(values)})"]
        texts += [f"dict({', '.join(named)})"] if named else []
        return f"functional_call({', '.join(texts)})"

    def concatenated(self, texts: list[str], axis: str) -> str:
        return f"torch.cat({listed(texts)}, dim={axis})"

    def scan(self, writer: ClassWriter, text: ScanText) -> list[Statement]:
        return scan(text)

    def stacked_rounds(self, text: ScanText) -> str:
        return stacked(text)

    def stacked(self, texts: list[str], axis: str) -> str:
        return f"torch.stack({listed(texts)}, dim={axis})"
