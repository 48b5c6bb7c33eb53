"""The generated PyTorch project, and the model that it describes in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc.emit.backend import BuildError
from dslc.emit.classes import write_module
from dslc.emit.lowering import lower
from dslc.emit.project import describing_files, has_training_weights, trained_writer, training_files
from dslc_torch.target import TorchTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.emit.driver import Array, Arrays
    from dslc.emit.units import ModuleWriter
    from dslc.passes.pipeline import Checked
    from dslc_torch.driver import TorchDriver

REQUIRES = ("torch>=2.6",)
WATCHING = Path(__file__).with_name("runtime") / "watching.py"

USAGE = """
from safetensors.torch import load_file

from model import {model}

model = {model}()
model.load_state_dict(load_file("weights.safetensors"))
"""

USAGE_OF_PART = """
from safetensors.torch import load_file

from model import {model}

model = {model}()
# the file also holds what only training has
model.load_state_dict(load_file("weights.safetensors"), strict=False)
"""


@final
class TorchBackend:
    """Writes PyTorch projects."""

    name = "torch"
    requires = ("torch",)

    def project(self, checked: Checked, *, io_layout: str = "spec") -> dict[str, str | bytes]:
        """The files of a project by name; PyTorch's own layout is the spec's."""
        if io_layout not in ("spec", "native"):
            raise BuildError(f"there is no layout {io_layout!r}: it is spec or native")
        writer = self.module(checked)
        model = writer.class_names[checked.program.main]
        files: dict[str, str | bytes] = {"model.py": writer.source()}
        if checked.train is not None:
            from dslc_torch.training import train_source

            trained = trained_writer(checked, writer, self.module)
            if trained is not writer:
                files["training_model.py"] = trained.source()
            name = trained.class_names[trained.program.main]
            files |= training_files(checked, train_source(checked, name), WATCHING)
        text = USAGE_OF_PART if has_training_weights(checked) else USAGE
        usage = text.format(model=model)
        return files | describing_files(checked, "PyTorch", REQUIRES, usage)

    def module(self, checked: Checked) -> ModuleWriter:
        """What `model.py` holds."""
        return lower(checked.form, lambda spec: write_module(spec, TorchTarget()))

    def model_source(self, checked: Checked) -> str:
        """The text of `model.py`."""
        return self.module(checked).source()

    def build(self, checked: Checked, seed: int = 0, *, weights: Arrays | None = None) -> Any:
        """The model as a `torch.nn.Module` with the spec's initial weights.

        Args:
            checked: The spec.
            seed: Of the initial weights.
            weights: The weights to take in place of the initial ones, by their portable names.
        """
        import torch

        from dslc.emit.loading import load_module
        from dslc.weights.starting import starting_weights

        writer = self.module(checked)
        name = writer.class_names[checked.program.main]
        model = getattr(load_module(writer.source(), "model"), name)()
        arrays = starting_weights(checked.weights(), seed) if weights is None else weights
        state = {name: torch.from_numpy(array) for name, array in arrays.items()}
        model.load_state_dict(state)
        return model

    load = build

    def driver(
        self,
        checked: Checked,
        *,
        dtype: str = "f32",
        io_layout: str = "spec",
        device: str = "cpu",
    ) -> TorchDriver:
        """The model, driven with NumPy arrays; `dtype` "f64" makes it the reference of others."""
        del io_layout  # PyTorch's own layout is the spec's
        from dslc_torch.driver import TorchDriver

        checked = checked.without_main()
        return TorchDriver(checked, self.model_source(checked), dtype, device)

    def has_device(self, name: str) -> bool:
        """Whether PyTorch sees a device of this kind."""
        from torch import backends, cuda

        there = {"cpu": True, "cuda": cuda.is_available(), "mps": backends.mps.is_available()}
        return there.get(name, False)

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


backend = TorchBackend()
