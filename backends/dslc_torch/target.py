"""The words of PyTorch: modules, lists of modules, identities for what is absent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from dslc.emit.target import Target
from dslc_torch.rules import RULES
from dslc_torch.scans import scan, stacked

if TYPE_CHECKING:
    from dslc.emit.classes import ClassWriter
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
        Path(__file__).with_name("helpers_chance.py"),
        Path(__file__).with_name("helpers_measures.py"),
        Path(__file__).with_name("helpers_graph.py"),
        Path(__file__).with_name("helpers_boxes.py"),
        Path(__file__).with_name("helpers_regions.py"),
        Path(__file__).with_name("helpers_mixture.py"),
    )
    rules = RULES

    def new_list(self) -> str:
        return "nn.ModuleList()"

    def listed(self, comprehension: str) -> str:
        return f"nn.ModuleList({comprehension})"

    def optional(self, constructor: str, condition: str, *, alone: bool) -> str:
        return f"{constructor} if {condition} else {'nn.Identity()' if alone else None}"

    def call_optional(self, layer: str, args: str, otherwise: str) -> str:
        if args == otherwise:
            return f"{layer}({args})"
        return f"{layer}({args}) if {layer} is not None else {otherwise}"

    def concatenated(self, texts: list[str], axis: str) -> str:
        return f"torch.cat([{', '.join(texts)}], dim={axis})"

    def scan(self, writer: ClassWriter, text: ScanText) -> list[Statement]:
        return scan(text)

    def stacked_rounds(self, text: ScanText) -> str:
        return stacked(text)

    def stacked(self, texts: list[str], axis: str) -> str:
        return f"torch.stack([{', '.join(texts)}], dim={axis})"
