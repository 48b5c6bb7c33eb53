"""Reading a weight file that a caller names, with messages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray


class WeightsError(Exception):
    """A weight file that is broken or fits no model; the message names the file and the reason."""


def read_weights(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """The arrays of a safetensors file by name.

    Raises:
        OSError: the file cannot be opened.
        WeightsError: it is no whole, well-formed safetensors file.
    """
    from dslc.train.runtime.weights import read

    try:
        return read(path)
    except ValueError as error:
        raise WeightsError(str(error)) from error
