"""What `verify` and the numeric tests ask of a backend: one model, driven with NumPy arrays.

Every array is in the spec's layout and every weight has its portable name, whatever the framework
does inside. So all backends are compared by the same few lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Array = NDArray[Any]
    Arrays = Mapping[str, Array]


class Driver(Protocol):
    """A generated model in its framework.

    Attributes:
        differentiable: Whether `gradients` and training mode are there.
        layouts: The layouts of inputs and outputs that a driver can be made with.
    """

    differentiable: bool
    layouts: tuple[str, ...]

    def load(self, weights: Arrays) -> None:
        """Takes the portable weights: every one that is not tied, running statistics included."""
        ...

    def weights(self) -> dict[str, Array]:
        """The portable weights as they are now."""
        ...

    def forward(self, inputs: Arrays, *, training: bool = False) -> dict[str, Array]:
        """The outputs by name."""
        ...

    def gradients(
        self, inputs: Arrays, cotangents: Arrays, *, training: bool = False
    ) -> dict[str, Array]:
        """The gradients of the sum of `output * cotangent` over the outputs in `cotangents`.

        Returns:
            One for each trained weight by its portable name, and `input:NAME` for each float input.
        """
        return self.forward_and_gradients(inputs, cotangents, training=training)[1]

    def forward_and_gradients(
        self, inputs: Arrays, cotangents: Arrays, *, training: bool = False
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Both in one run of the model, which costs less than each by itself."""
        ...

    def epsilons(self) -> dict[str, float]:
        """The epsilon of every normalisation by its path, read from the framework's own objects."""
        ...


class DrivenBackend(Protocol):
    """A backend whose models can be run in this process.

    A backend that trains has `train_steps(checked, weights, batches, steps)` as well.
    """

    name: str

    def driver(
        self,
        checked: Checked,
        *,
        dtype: str = "f32",
        io_layout: str = "spec",
        device: str = "cpu",
    ) -> Driver:
        """A driver of the spec's model on a device; the backend's packages are there."""
        ...

    def has_device(self, name: str) -> bool:
        """Whether the framework sees a device of this kind: "cpu", "cuda", "tpu" or "mps"."""
        ...


class TrainingBackend(DrivenBackend, Protocol):
    """A backend that also trains in this process."""

    def train_steps(
        self,
        checked: Checked,
        weights: Arrays,
        batches: Sequence[Arrays],
        steps: int,
        device: str = "cpu",
    ) -> tuple[Sequence[float], Arrays]:
        """Trains as the generated script does; gives the batch losses and the weights after it."""
        ...
