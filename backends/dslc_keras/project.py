"""The generated Keras project, and the model that it describes in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from dslc.emit.functions import model_function, write_functions
from dslc.emit.header import header
from dslc.emit.loading import load_module
from dslc_keras.target import KerasTarget

if TYPE_CHECKING:
    from dslc.emit.functions import FunctionModule
    from dslc.passes.pipeline import Checked
    from dslc_keras.driver import KerasDriver

PORTABLE = Path(__file__).with_name("runtime") / "portable.py"
WEIGHTS = Path(__file__).parents[2] / "dslc" / "train" / "runtime" / "weights.py"


@final
class KerasBackend:
    """Writes Keras projects."""

    name = "keras"
    requires = ("keras",)

    def project(self, checked: Checked, *, io_layout: str = "spec") -> dict[str, str | bytes]:
        """The files of a project: `model.py`, and `portable.py` with what it needs for weights."""
        return {
            "model.py": self.model_source(checked, io_layout=io_layout),
            "portable.py": portable_source(),
            "weights.py": WEIGHTS.read_bytes(),
        }

    def module(self, checked: Checked, io_layout: str = "spec") -> FunctionModule:
        """What `model.py` holds; `io_layout` is what its model takes unless told otherwise."""
        program = checked.program
        return write_functions(program, checked.instance, KerasTarget(io_layout), header(program))

    def model_source(self, checked: Checked, *, io_layout: str = "spec") -> str:
        """The text of `model.py`."""
        return self.module(checked, io_layout).source()

    def build(self, checked: Checked, seed: int = 0, *, io_layout: str = "spec") -> Any:
        """The model as a `keras.Model` with the spec's initial weights.

        Args:
            checked: The spec.
            seed: Of the initial weights.
            io_layout: The layout of its inputs and outputs.
        """
        from dslc.weights.starting import starting_weights
        from dslc_keras.runtime.portable import load_weights

        writer = self.module(checked, io_layout)
        model = getattr(load_module(writer.source(), "model"), model_function(writer))()
        load_weights(model, starting_weights(checked.weights(), seed))
        return model

    def load(self, checked: Checked, *, io_layout: str = "spec", seed: int = 0) -> Any:
        """The same, as `dslc.load(...).keras()` asks for it."""
        return self.build(checked, seed, io_layout=io_layout)

    def driver(
        self, checked: Checked, *, dtype: str = "f32", io_layout: str = "spec"
    ) -> KerasDriver:
        """The model, driven with NumPy arrays."""
        from dslc_keras.driver import KerasDriver, floats

        with floats(dtype):
            return KerasDriver(checked, self.build(checked, io_layout=io_layout), io_layout)


def portable_source() -> str:
    """The text of `portable.py`, which finds `weights.py` beside it."""
    text = PORTABLE.read_text(encoding="utf-8")
    return text.replace("from dslc.train.runtime.weights import", "from weights import")


backend = KerasBackend()
