"""The generated Keras project, and the model that it describes in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc.emit.functions import model_function, write_functions
from dslc.emit.loading import load_module
from dslc.emit.lowering import lower
from dslc.emit.project import (
    describing_files,
    has_training_weights,
    runtime_file,
    trained_writer,
    training_files,
)
from dslc_keras.naming import clashing_names
from dslc_keras.starting import start_keras
from dslc_keras.target import KerasTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.emit.driver import Array, Arrays
    from dslc.emit.functions import FunctionModule
    from dslc.passes.pipeline import Checked
    from dslc_keras.driver import KerasDriver

PORTABLE = Path(__file__).with_name("runtime") / "portable.py"
WATCHING = PORTABLE.with_name("watching.py")
REQUIRES = ("keras>=3.12", "tensorflow>=2.17")
KINDS = {"cuda": "gpu"}
"""What Keras calls a kind of device, where it is another word."""

USAGE = """
from model import {model}
from portable import load_weights

model = {model}()
load_weights(model, "weights.safetensors")
"""

USAGE_OF_PART = """
from model import {model}
from portable import load_weights, to_portable
from weights import read

model = {model}()
# the file also holds what only training has
weights = read("weights.safetensors")
load_weights(model, {{name: weights[name] for name in to_portable(model)}})
"""


@final
class KerasBackend:
    """Writes Keras projects."""

    name = "keras"
    requires = ("keras",)

    def project(self, checked: Checked, *, io_layout: str = "spec") -> dict[str, str | bytes]:
        """The files of a project: the model, `portable.py` for its weights, and what trains it."""
        writer = self.module(checked, io_layout)
        model = model_function(writer)
        files: dict[str, str | bytes] = {
            "model.py": writer.source(),
            "portable.py": portable_source(),
            "weights.py": runtime_file("weights"),
        }
        if checked.train is not None:
            from dslc_keras.training import train_source

            trained = trained_writer(checked, writer, lambda spec: self.module(spec, io_layout))
            if trained is not writer:
                files["training_model.py"] = trained.source()
            name = trained.units[trained.program.main].name
            files |= training_files(checked, train_source(checked, name), WATCHING)
        text = USAGE_OF_PART if has_training_weights(checked) else USAGE
        usage = text.format(model=model)
        return files | describing_files(checked, "Keras", REQUIRES, usage)

    def module(self, checked: Checked, io_layout: str = "spec") -> FunctionModule:
        """What `model.py` holds; `io_layout` is what its model takes unless told otherwise."""

        def written(clashing: frozenset[str]) -> FunctionModule:
            return lower(
                checked.form,
                lambda spec: write_functions(spec, KerasTarget(io_layout, clashing)),
                shared_only=True,
            )

        found = written(frozenset())
        clashing = clashing_names(found.source())
        return written(clashing) if clashing else found

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
        """The model as a `keras.Model` with the spec's initial weights.

        Args:
            checked: The spec.
            seed: Of the initial weights.
            io_layout: The layout of its inputs and outputs.
            weights: The weights to take in place of the initial ones, by their portable names.
        """
        from dslc.train.paths import frozen_paths
        from dslc.weights.starting import starting_weights

        start_keras()
        from dslc_keras.runtime.portable import all_layers, load_weights, path_of

        writer = self.module(checked, io_layout)
        model = getattr(load_module(writer.source(), "model"), model_function(writer))()
        arrays = starting_weights(checked.weights(), seed) if weights is None else weights
        load_weights(model, arrays)
        frozen = frozen_paths(checked.instance)
        for layer in all_layers(model):
            if any(f"{path_of(layer)}.".startswith(f"{path}.") for path in frozen):
                layer.trainable = False
        return model

    load = build

    def read_weights(self, path: Path, most_bytes: int) -> Arrays:
        """The arrays of a Keras file by its layers' own names."""
        from dslc_keras.weight_files import read_arrays

        return read_arrays(path, most_bytes)

    def portable_weights(self, checked: Checked, path: Path, most_bytes: int) -> Arrays:
        """The portable weights of a file that the spec's own Keras model saved."""
        from dslc_keras.weight_files import portable_arrays

        return portable_arrays(checked, path, most_bytes)

    def driver(
        self,
        checked: Checked,
        *,
        dtype: str = "f32",
        io_layout: str = "spec",
        device: str = "cpu",
    ) -> KerasDriver:
        """The model, driven with NumPy arrays."""
        start_keras()
        import keras

        from dslc_keras.driver import KerasDriver, floats

        checked = checked.without_main()
        place = f"{KINDS.get(device, device)}:0"
        with floats(dtype), keras.device(place):
            model = self.build(checked, io_layout=io_layout)
        return KerasDriver(checked, model, io_layout, place)

    def has_device(self, name: str) -> bool:
        """Whether Keras's backend sees a device of this kind."""
        start_keras()
        from keras import distribution

        return name == "cpu" or bool(distribution.list_devices(KINDS.get(name, name)))

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

        start_keras()

        return train_steps(self.project(checked), weights, batches, steps, device)


def portable_source() -> str:
    """The text of `portable.py`, which finds `weights.py` beside it."""
    text = PORTABLE.read_text(encoding="utf-8")
    return text.replace("from dslc.train.runtime.weights import", "from weights import")


backend = KerasBackend()
