"""Weights of a file against those of a model: which is which, and what is wrong with the rest.

Names, shapes and dtypes are compared before anything is copied; all faults are told at once, each
with the name that was probably meant.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, final

import numpy as np

from dslc.diagnostics.text import cut
from dslc.train.globs import captures, filled, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from dslc.ir.given import Given, Glob
    from dslc.passes.weights import WeightInfo

    Array = NDArray[Any]

COUNTERS = ".num_batches_tracked"
"""What PyTorch counts in a batch norm: no weight of any other framework, and no use to any."""
MOST_NAMES = 1000
MOST_FAULTS = 20


@final
class Origin:
    """Where a weight of the model comes from.

    Attributes:
        name: The file's name.
        part: Which of the parts of a split it is; None of what is not cut.
        parts: The model's names of all parts, in order.
        axis: The axis of the cut.
        is_turned: Whether its array is transposed.
    """

    __slots__ = ("axis", "is_turned", "name", "part", "parts")

    def __init__(self, name: str, parts: Sequence[str], axis: int, part: int | None) -> None:
        self.name = name
        self.parts = tuple(parts)
        self.axis = axis
        self.part = part
        self.is_turned = False

    def __str__(self) -> str:
        cut_out = "" if self.part is None else f" part {self.part + 1} of {len(self.parts)}"
        return f"{self.name}{cut_out}{' transposed' if self.is_turned else ''}"


@final
class Matching:
    """A file's names and a model's, put together.

    Attributes:
        origins: Where each weight comes from that the file gives, by the model's name.
        arrays: Those weights in the portable layout and float32.
        fresh: The model's weights that are initialised afresh, as `new` says.
        zeros: Those that are zero by definition, an LSTM's second bias, and not in the file.
        dropped: The file's names that nothing reads.
        faults: What does not fit, each in a line; with a fault there are no arrays.
    """

    __slots__ = ("arrays", "dropped", "faults", "fresh", "origins", "zeros")

    def __init__(self) -> None:
        self.origins: dict[str, Origin] = {}
        self.arrays: dict[str, Array] = {}
        self.fresh: list[str] = []
        self.zeros: list[str] = []
        self.dropped: list[str] = []
        self.faults: list[str] = []


def match_weights(
    infos: Sequence[WeightInfo], arrays: Mapping[str, Array], given: Given | None
) -> Matching:
    """Puts a file's arrays at the model's names.

    Args:
        infos: The weights of the model, and those that only its training has.
        arrays: The file's arrays by name.
        given: The spec's `weights` section, or None where the names are the model's own.
    """
    return _Matcher(infos, arrays, given).run()


class _Matcher:
    def __init__(
        self, infos: Sequence[WeightInfo], arrays: Mapping[str, Array], given: Given | None
    ) -> None:
        self.infos = {info.path: info for info in infos}
        self.arrays = arrays
        self.given = given
        self.found = Matching()
        self.unknown: list[str] = []

    def run(self) -> Matching:
        """The names first, then, where all of them fit, the arrays."""
        for name in self.arrays:
            self.place(name)
        missing = [path for path in self.infos if path not in self.found.origins]
        missing = [path for path in missing if not self.explains(path)]
        for path in missing:
            self.fault(f"{path}: missing{self.meant(path, self.unknown)}")
        for name in self.unknown:
            self.fault(f"{name}: not in the model{self.meant(name, missing)}")
        for path in self.found.origins:
            self.take(path)
        if not self.found.faults:
            self.fold_zeros()
            self.compare_ties()
        if self.found.faults:
            self.found.arrays.clear()
        return self.found

    def fault(self, text: str) -> None:
        self.found.faults.append(cut(text))

    def meant(self, name: str, others: Sequence[str]) -> str:
        """The nearest other name, as long as faults are shown."""
        if len(self.found.faults) >= MOST_FAULTS:
            return ""
        close = get_close_matches(name, others[:MOST_NAMES], n=1, cutoff=0.5)
        return f" (nearest: {close[0]})" if close else ""

    def place(self, name: str) -> None:
        """Finds what one of the file's names is in the model."""
        origin = self.origin(name)
        if origin is None:
            self.found.dropped.append(name)
            return
        if not any(path in self.infos for path in origin.parts):
            if name.endswith(COUNTERS):
                self.found.dropped.append(name)
            else:
                self.unknown.append(name)
            return
        origin.is_turned = self.given is not None and _any(self.given.transpose, name)
        for part, path in enumerate(origin.parts):
            if path not in self.infos:
                self.fault(f"{name}: its part {path} is not in the model")
            elif path in self.found.origins:
                other = self.found.origins[path].name
                self.fault(f"{path}: given twice, by {other} and by {name}")
            else:
                place = None if origin.part is None else part
                self.found.origins[path] = Origin(name, origin.parts, origin.axis, place)
                self.found.origins[path].is_turned = origin.is_turned

    def origin(self, name: str) -> Origin | None:
        """What a name becomes; None where it is dropped, or `new` makes what it becomes afresh."""
        given = self.given
        if given is None:
            return Origin(name, (name,), 0, None)
        if _any(given.drop, name):
            return None
        found = Origin(name, (name,), 0, None)
        for rename in given.rename:
            texts = captures(rename.source.text, name)
            if texts is not None:
                parts = [filled(target.text, texts) for target in rename.targets]
                found = Origin(name, parts, rename.split or 0, 0 if len(parts) > 1 else None)
                break
        return None if all(_any(given.new, path) for path in found.parts) else found

    def explains(self, path: str) -> bool:
        """Whether a weight that the file does not give is nothing to miss."""
        info = self.infos[path]
        if self.given is not None and _any(self.given.new, path):
            self.found.fresh.append(path)
            return True
        if info.role == "zeros":
            self.found.zeros.append(path)
            return True
        if info.tied is not None:
            return True
        tied = (other.path for other in self.infos.values() if other.tied == path)
        return any(name in self.found.origins for name in tied)

    def take(self, path: str) -> None:
        """One weight's array, in the model's layout; or what is wrong with it."""
        origin = self.found.origins[path]
        array = self.arrays[origin.name]
        if array.dtype.kind != "f":
            self.fault(f"{origin.name}: is {array.dtype}, expected floats")
            return
        if origin.is_turned:
            array = turned(array)
        if origin.part is not None:
            sizes = self.sizes(origin)
            if sizes is None or array.ndim <= origin.axis or array.shape[origin.axis] != sum(sizes):
                if origin.part == 0:
                    held = " + ".join(map(str, sizes or ())) or "parts that are not there"
                    self.fault(
                        f"{origin.name}: has shape {list(array.shape)}, and its axis "
                        f"{origin.axis} is cut into {held}"
                    )
                return
            start = sum(sizes[: origin.part])
            array = array.take(range(start, start + sizes[origin.part]), origin.axis)
        shape = self.shape(path)
        if array.shape == shape:
            self.found.arrays[path] = np.asarray(array, np.float32, order="C")
            return
        turn = turned(array).shape == shape and not origin.is_turned
        hint = f"; `transpose: [{origin.name}]` would make it fit" if turn else ""
        self.fault(f"{path}: {origin} has shape {list(array.shape)}, expected {list(shape)}{hint}")

    def shape(self, path: str) -> tuple[int, ...]:
        return tuple(size for size in self.infos[path].shape if isinstance(size, int))

    def sizes(self, origin: Origin) -> list[int] | None:
        """How much of the axis each part takes; None where a part has no such axis."""
        shapes = [self.shape(path) for path in origin.parts if path in self.infos]
        if len(shapes) < len(origin.parts) or any(len(s) <= origin.axis for s in shapes):
            return None
        return [shape[origin.axis] for shape in shapes]

    def fold_zeros(self) -> None:
        """Adds an LSTM's second bias to the first: only their sum matters, and here it is zero."""
        arrays = self.found.arrays
        for path, info in self.infos.items():
            if info.role != "zeros":
                continue
            first = path.replace("bias_hh", "bias_ih")
            second = arrays.get(path)
            if second is not None and first in arrays:
                arrays[first] = arrays[first] + second
            arrays[path] = np.zeros(self.shape(path), np.float32)

    def compare_ties(self) -> None:
        """A tied weight is the one that it is tied to; a file may hold it twice, if it is equal."""
        arrays = self.found.arrays
        for path, info in self.infos.items():
            if info.tied is None or path not in arrays:
                continue
            own = arrays.pop(path)
            if not np.array_equal(own, arrays.setdefault(info.tied, own)):
                self.fault(f"{path}: differs from {info.tied}, to which it is tied")


def turned(array: Array) -> Array:
    """An array whose last two axes are inputs and outputs, as PyTorch has it: outputs, inputs, rest."""
    if array.ndim < 2:
        return array
    *rest, inputs, outputs = range(array.ndim)
    return array.transpose(outputs, inputs, *rest)


def fault_text(faults: Sequence[str], source: str) -> str:
    """All that does not fit, for people."""
    shown = list(faults[:MOST_FAULTS])
    if len(faults) > MOST_FAULTS:
        shown.append(f"and {len(faults) - MOST_FAULTS} more")
    return "\n  ".join([f"{source} does not fit the model:", *shown])


def _any(globs: Iterable[Glob], name: str) -> bool:
    return any(matches(glob.text, name) for glob in globs)
