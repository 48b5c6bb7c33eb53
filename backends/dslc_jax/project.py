"""The generated JAX project, and the model that it describes in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc.emit.backend import BuildError
from dslc.emit.classes import write_module
from dslc.emit.lowering import lower
from dslc.emit.project import (
    describing_files,
    has_training_weights,
    runtime_file,
    trained_writer,
    training_files,
)
from dslc.ir.types import FLOATS
from dslc_jax.target import JaxTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.emit.driver import Array, Arrays
    from dslc.emit.units import ModuleWriter
    from dslc.passes.pipeline import Checked
    from dslc_jax.driver import JaxDriver

REQUIRES = ("jax>=0.8", "flax>=0.12", "optax>=0.2.3")
PORTABLE = Path(__file__).with_name("runtime") / "portable.py"
WATCHING = PORTABLE.with_name("watching.py")

USAGE = """
from flax import nnx

from model import {model}
from portable import load_weights

model = {model}(rngs=nnx.Rngs(0))
load_weights(model, "weights.safetensors")
model.eval()
"""

USAGE_OF_PART = """
from flax import nnx

from model import {model}
from portable import load_weights, to_portable
from weights import read

model = {model}(rngs=nnx.Rngs(0))
# the file also holds what only training has
weights = read("weights.safetensors")
load_weights(model, {{name: weights[name] for name in to_portable(model)}})
model.eval()
"""


@final
class JaxBackend:
    """Writes JAX projects."""

    name = "jax"
    requires = ("jax", "flax")

    def project(self, checked: Checked, *, io_layout: str = "spec") -> dict[str, str | bytes]:
        """The files of a project by name."""
        writer = self.module(checked, io_layout)
        model = writer.class_names[checked.program.main]
        text = USAGE_OF_PART if has_training_weights(checked) else USAGE
        usage = text.format(model=model)
        files: dict[str, str | bytes] = {
            "model.py": writer.source(),
            "portable.py": portable_source(),
            "weights.py": runtime_file("weights"),
        }
        if checked.train is not None:
            from dslc_jax.training import train_source

            trained = trained_writer(checked, writer, lambda spec: self.module(spec, io_layout))
            if trained is not writer:
                files["training_model.py"] = trained.source()
            name = trained.class_names[trained.program.main]
            files |= training_files(checked, train_source(checked, name), WATCHING)
        return files | describing_files(checked, "JAX", REQUIRES, usage)

    def module(self, checked: Checked, io_layout: str = "spec") -> ModuleWriter:
        """What `model.py` holds; `io_layout` is what its model takes unless told otherwise."""
        if io_layout not in ("spec", "native"):
            raise BuildError(f"there is no layout {io_layout!r}: it is spec or native")
        refuse_dtypes(checked)
        return lower(checked.form, lambda spec: write_module(spec, JaxTarget(io_layout)))

    def model_source(self, checked: Checked, *, io_layout: str = "spec") -> str:
        """The text of `model.py`."""
        return self.module(checked, io_layout).source()

    def build(
        self,
        checked: Checked,
        seed: int = 0,
        *,
        io_layout: str = "spec",
        weights: Arrays | None = None,
    ) -> Any:
        """The model as an `nnx.Module` with the spec's initial weights.

        Args:
            checked: The spec.
            seed: Of the initial weights and of dropout.
            io_layout: The layout of its inputs and outputs.
            weights: The weights to take in place of the initial ones, by their portable names.
        """
        from flax import nnx

        from dslc.emit.loading import load_module
        from dslc.weights.starting import starting_weights
        from dslc_jax.runtime.portable import made_with

        writer = self.module(checked, io_layout)
        name = writer.class_names[checked.program.main]
        made = getattr(load_module(writer.source(), "model"), name)
        arrays = starting_weights(checked.weights(), seed) if weights is None else weights
        return made_with(lambda: made(rngs=nnx.Rngs(seed)), arrays)

    load = build

    def read_weights(self, path: Path, most_bytes: int) -> Arrays:
        """The arrays of a checkpoint by orbax, by its own names."""
        from dslc_jax.weight_files import read_arrays

        return read_arrays(path, most_bytes)

    def portable_weights(self, checked: Checked, path: Path, most_bytes: int) -> Arrays:
        """The portable weights of a checkpoint by orbax that holds the spec's own model."""
        from dslc_jax.weight_files import portable_arrays

        return portable_arrays(checked, path, most_bytes)

    def driver(
        self,
        checked: Checked,
        *,
        dtype: str = "f32",
        io_layout: str = "spec",
        device: str = "cpu",
    ) -> JaxDriver:
        """The model, driven with NumPy arrays."""
        if dtype != "f32":
            raise BuildError(f"the jax backend computes in f32, not in {dtype}")
        from dslc_jax.driver import JaxDriver

        checked = checked.without_main()
        return JaxDriver(checked, self.build(checked, io_layout=io_layout), io_layout, device)

    def has_device(self, name: str) -> bool:
        """Whether JAX sees a device of this kind."""
        import jax

        try:
            return bool(jax.devices(name))
        except RuntimeError:  # so it says that there is none
            return False

    def train_steps(
        self,
        checked: Checked,
        weights: Arrays,
        batches: Sequence[Arrays],
        steps: int,
        device: str = "cpu",
    ) -> tuple[list[float], Mapping[str, Array]]:
        """Trains as the generated script does; gives the batch losses and the weights after it."""
        from dslc.train.steps import train_steps

        return train_steps(self.project(checked), weights, batches, steps, device)


def portable_source() -> str:
    """The text of `portable.py`, which finds `weights.py` beside it."""
    text = PORTABLE.read_text(encoding="utf-8")
    return text.replace("from dslc.train.runtime.weights import", "from weights import")


def refuse_dtypes(checked: Checked) -> None:
    """Raises where a model needs float64, which JAX computes only under a global switch.

    And where weights meet other floats than float32: JAX would turn the result into float32.
    """
    from dslc.passes.weights import sites

    values = [(f"the input `{name}`", type) for name, type in checked.instance.inputs.items()]
    for site in sites(checked.instance):
        values += [(f"`{site.path}`", type) for type in site.iteration.outputs.values()]
    for what, type in values:
        if type.dtype == "f64":
            raise BuildError(f"{what} is f64, and JAX computes in f32 unless x64 is switched on")
    for site in sites(checked.instance):
        types = [type for type in site.iteration.inputs if type is not None]
        floats = [type.dtype for type in types if type.dtype in FLOATS]
        op = site.iteration.op
        if floats and floats[0] != "f32" and op is not None and op.weights(*types):
            message = f"`{site.path}` has weights and computes in {floats[0]}; those of JAX are f32"
            help = "cast to f32 before it, or train with `precision: bf16`"
            raise BuildError(f"{message}: {help}", site.step.span)


backend = JaxBackend()
