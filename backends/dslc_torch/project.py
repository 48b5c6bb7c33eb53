"""The generated PyTorch project."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.classes import write_module
from dslc.emit.header import header
from dslc.emit.lowering import outlined
from dslc_torch.target import TorchTarget

if TYPE_CHECKING:
    from dslc.passes.pipeline import Checked
    from dslc_torch.driver import TorchDriver


@final
class TorchBackend:
    """Writes PyTorch projects."""

    name = "torch"
    requires = ("torch",)

    def model_source(self, checked: Checked) -> str:
        """The text of `model.py`."""
        program, instance = outlined(checked)
        return write_module(program, instance, TorchTarget(), header(program)).source()

    def driver(
        self, checked: Checked, *, dtype: str = "f32", io_layout: str = "spec"
    ) -> TorchDriver:
        """The model, driven with NumPy arrays; `dtype` "f64" makes it the reference of others."""
        del io_layout  # PyTorch's own layout is the spec's
        from dslc_torch.driver import TorchDriver

        return TorchDriver(checked, self.model_source(checked), dtype)


backend = TorchBackend()
