"""The weights of one export: checked against the model before any is used, wrapped, not copied."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, final

import numpy as np

from dslc_onnx.errors import ExportError
from dslc_onnx.types import numpy_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.limits import Limits
    from dslc.passes.weights import WeightInfo


@final
class WeightStore:
    """Arrays by path; a tied path leads to the weight that it is.

    Raises:
        ExportError: The weights exceed the limit, or those given do not fit the model.
    """

    def __init__(
        self,
        infos: Sequence[WeightInfo],
        arrays: Mapping[str, Any] | None,
        *,
        seed: int,
        limits: Limits,
    ) -> None:
        self._infos = {info.path: info for info in infos}
        self._users = Counter(info.tied or info.path for info in infos)
        shapes = own_shapes(infos, limits)
        self._arrays = initial_values(infos, shapes, seed) if arrays is None else arrays
        if arrays is not None:
            check_arrays(arrays, shapes)

    def resolve(self, path: str) -> str:
        """The path under which the file has a weight."""
        return self._infos[path].tied or path

    def is_tied(self, path: str) -> bool:
        """Whether several steps own the weight."""
        return self._users[self.resolve(path)] > 1

    def array(self, path: str) -> Any:
        """A weight in the dtype of its step."""
        real = self.resolve(path)
        array = np.asarray(self._arrays[real], order="C")
        return array.astype(numpy_dtype(self._infos[real].dtype), copy=False)


def own_shapes(infos: Sequence[WeightInfo], limits: Limits) -> dict[str, tuple[int, ...]]:
    """The shapes of all weights but tied ones; nothing is allocated before their sum is known."""
    shapes: dict[str, tuple[int, ...]] = {}
    total = 0
    most = limits.weight_bytes
    for info in infos:
        sizes = tuple(size for size in info.shape if isinstance(size, int))
        if len(sizes) < len(info.shape):
            shape = ", ".join(map(str, info.shape))
            message = f"the weight `{info.path}` has the shape [{shape}], which no file can hold"
            raise ExportError(message, info.span)
        if info.tied is not None:
            continue
        shapes[info.path] = sizes
        total += info.count * numpy_dtype(info.dtype).itemsize
        if total > most:
            message = f"the weights take more than {most} bytes, `--limit weight_bytes=…`"
            raise ExportError(message, info.span)
    return shapes


def check_arrays(arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Compares names, shapes and dtypes with what the model expects, and lists what differs."""
    faults = [f"{name}: missing" for name in shapes if name not in arrays]
    faults += [f"{name}: not in the model" for name in arrays if name not in shapes]
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is None:
            continue
        if tuple(array.shape) != shape:
            faults.append(f"{name}: has shape {list(array.shape)}, expected {list(shape)}")
        elif str(array.dtype) not in ("float16", "bfloat16", "float32", "float64"):
            faults.append(f"{name}: is {array.dtype}, expected floats")
    if faults:
        shown = faults[:20] + ([f"and {len(faults) - 20} more"] if len(faults) > 20 else [])
        raise ExportError("\n  ".join(["the weights do not fit the model:", *shown]))


def initial_values(
    infos: Sequence[WeightInfo], shapes: Mapping[str, tuple[int, ...]], seed: int
) -> dict[str, Any]:
    """The values that training starts from."""
    from dslc.train.runtime import initial

    values: dict[str, Any] = {}
    for info in infos:
        if info.tied is None:
            kind, *numbers = info.initialiser
            fill = getattr(initial, str(kind))(**dict(numbers))  # pyright: ignore[reportArgumentType, reportCallIssue]
            values[info.path] = fill(initial.Weight(info.path, shapes, seed))
    return values
