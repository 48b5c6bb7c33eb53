"""The generated JAX project, and the model that it describes in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc.emit.backend import BuildError
from dslc.emit.classes import write_module
from dslc.emit.header import header
from dslc.emit.lowering import outlined
from dslc_jax.target import JaxTarget

if TYPE_CHECKING:
    from dslc.passes.pipeline import Checked
    from dslc_jax.driver import JaxDriver

RUNTIME = Path(__file__).with_name("runtime")


@final
class JaxBackend:
    """Writes JAX projects."""

    name = "jax"
    requires = ("jax", "flax")

    def project(self, checked: Checked, *, io_layout: str = "spec") -> dict[str, str | bytes]:
        """The files of a project: `model.py`, and `portable.py` for its weights."""
        return {
            "model.py": self.model_source(checked, io_layout=io_layout),
            "portable.py": (RUNTIME / "portable.py").read_text(encoding="utf-8"),
        }

    def model_source(self, checked: Checked, *, io_layout: str = "spec") -> str:
        """The text of `model.py`; `io_layout` is what its model takes unless told otherwise."""
        refuse_doubles(checked)
        program, instance = outlined(checked)
        return write_module(program, instance, JaxTarget(io_layout), header(program)).source()

    def load(self, checked: Checked, *, io_layout: str = "spec", seed: int = 0) -> Any:
        """The model as an `nnx.Module`, run from the source that `model.py` has."""
        from flax import nnx

        from dslc.emit.loading import load_module

        module = load_module(self.model_source(checked, io_layout=io_layout), "model")
        own = [
            item
            for item in vars(module).values()
            if isinstance(item, type) and item.__module__ == module.__name__
        ]
        return own[-1](rngs=nnx.Rngs(seed))

    build = load

    def driver(self, checked: Checked, *, dtype: str = "f32", io_layout: str = "spec") -> JaxDriver:
        """The model, driven with NumPy arrays."""
        if dtype != "f32":
            raise BuildError(f"the jax backend computes in f32, not in {dtype}")
        from dslc_jax.driver import JaxDriver

        return JaxDriver(checked, self.load(checked, io_layout=io_layout), io_layout)


def refuse_doubles(checked: Checked) -> None:
    """Raises where a model needs float64, which JAX computes only under a global switch."""
    from dslc.passes.weights import sites

    values = [(f"the input `{name}`", type) for name, type in checked.instance.inputs.items()]
    for site in sites(checked.instance):
        values += [(f"`{site.path}`", type) for type in site.iteration.outputs.values()]
    for what, type in values:
        if type.dtype == "f64":
            raise BuildError(f"{what} is f64, and JAX computes in f32 unless x64 is switched on")


backend = JaxBackend()
