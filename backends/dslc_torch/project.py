"""The generated PyTorch project."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.classes import write_module
from dslc.emit.header import header
from dslc.emit.lowering import outlined
from dslc_torch.target import TorchTarget

if TYPE_CHECKING:
    from dslc.passes.pipeline import Checked


@final
class TorchBackend:
    """Writes PyTorch projects."""

    name = "torch"
    requires = ("torch",)

    def model_source(self, checked: Checked) -> str:
        """The text of `model.py`."""
        program, instance = outlined(checked)
        return write_module(program, instance, TorchTarget(), header(program)).source()


backend = TorchBackend()
