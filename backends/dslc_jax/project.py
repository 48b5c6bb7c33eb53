"""The generated JAX project."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from dslc.emit.classes import write_module
from dslc.emit.header import header
from dslc.emit.lowering import outlined
from dslc_jax.target import JaxTarget

if TYPE_CHECKING:
    from dslc.passes.pipeline import Checked


@final
class JaxBackend:
    """Writes JAX projects."""

    name = "jax"
    requires = ("jax", "flax")

    def model_source(self, checked: Checked, io_layout: str = "spec") -> str:
        """The text of `model.py`."""
        program, instance = outlined(checked)
        return write_module(program, instance, JaxTarget(io_layout), header(program)).source()


backend = JaxBackend()
