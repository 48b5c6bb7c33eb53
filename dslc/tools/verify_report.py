"""What `verify` found, as data, as JSON and as a table."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, final

from dslc.tools.verify_figures import GRADIENT, worst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dslc.tools.verify_figures import Difference


@final
class Compared:
    """One backend against the reference.

    Attributes:
        name: The backend.
        forward: Comparisons of outputs and running statistics.
        gradient: Comparisons of the gradients of weights and inputs.
        train: Comparisons of the losses of training steps.
        problems: What is wrong beyond figures, in words.
    """

    __slots__ = ("forward", "gradient", "name", "problems", "train")

    def __init__(self, name: str) -> None:
        self.name = name
        self.forward: list[Difference] = []
        self.gradient: list[Difference] = []
        self.train: list[Difference] = []
        self.problems: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether every figure is small enough and nothing else is wrong."""
        return not self.problems and not self.excesses()

    def parts(self) -> dict[str, list[Difference]]:
        """The comparisons by their name in the documented form."""
        return {"forward": self.forward, "gradient": self.gradient, "train": self.train}

    def excesses(self) -> list[str]:
        """Each figure beyond what is allowed, in words."""
        return [
            f"{part} differs by {found.max_rel:.1e} at {found.where} (allowed {found.allowed:.0e})"
            for part, comparisons in self.parts().items()
            if not (found := worst(comparisons)).ok
        ]


@final
class Verification:
    """The outcome of `verify`.

    Attributes:
        backends: One comparison for each backend, in the order asked for.
        pairs: The forward difference of each two backends.
        reference: What they were compared with.
        self_check: The reference's gradients against central differences: the largest error of a
            directional derivative, relative to the gradient's length; None where there is no
            gradient.
        settings: The sizes that symbols had.
        is_settled: Whether what is drawn in use was left to no chance.
    """

    __slots__ = ("backends", "is_settled", "pairs", "reference", "self_check", "settings")

    def __init__(
        self,
        backends: Sequence[Compared],
        pairs: Mapping[tuple[str, str], Difference],
        reference: str,
        self_check: float | None,
        settings: Sequence[Mapping[str, int]],
        *,
        is_settled: bool = False,
    ) -> None:
        self.backends = tuple(backends)
        self.pairs = pairs
        self.reference = reference
        self.self_check = self_check
        self.settings = tuple(settings)
        self.is_settled = is_settled

    @property
    def ok(self) -> bool:
        """Whether all agree with the reference, with each other, and the reference with itself."""
        return not self.problems()

    def problems(self) -> list[str]:
        """Everything that is wrong, a line each."""
        lines = [
            f"{b.name}: {text}" for b in self.backends for text in (*b.problems, *b.excesses())
        ]
        if self.self_check is not None and not self.self_check <= GRADIENT:
            lines.append(
                f"reference: its gradients differ from central differences by {self.self_check:.1e}"
            )
        for (left, right), found in self.pairs.items():
            if not found.ok:
                lines.append(f"{left} and {right} differ by {found.max_rel:.1e} at {found.where}")
        return lines

    def as_data(self) -> dict[str, Any]:
        """The documented form: `ok`, figures for each backend, `reference`."""
        backends: dict[str, Any] = {}
        for found in self.backends:
            parts = {name: _figures(part) for name, part in found.parts().items()}
            if parts["train"] is not None:
                del parts["train"]["max_abs"]
            backends[found.name] = {**parts, "ok": found.ok}
        return {"ok": self.ok, "backends": backends, "reference": self.reference}

    def as_json(self) -> str:
        """The documented form as one line of JSON."""
        return json.dumps(self.as_data(), allow_nan=False)

    def as_table(self) -> str:
        """A row for each backend, then the sizes, the checks beside it, and what is wrong."""
        head = ("backend", "forward", "gradient", "train", "")
        rows = [head, *(_row(found) for found in self.backends)]
        widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines += ["", f"largest relative differences from {self.reference}", *self._notes()]
        return "\n".join([*lines, *(f"! {text}" for text in self.problems())])

    def _notes(self) -> list[str]:
        notes: list[str] = []
        sizes = "; ".join(
            ", ".join(f"{name}={size}" for name, size in setting.items())
            for setting in self.settings
            if setting
        )
        if sizes:
            notes.append(f"sizes: {sizes}")
        if self.is_settled:
            notes.append("what is drawn in use is compared where nothing is left to chance")
        if self.pairs:
            notes.append(f"largest forward difference of two backends: {_pair(self.pairs)}")
        loose = [d.allowed for b in self.backends for part in b.parts().values() for d in part]
        if loose and max(loose) > GRADIENT:
            notes.append(
                "rounding alone moves this net much: differences up to "
                f"{max(loose):.0e} were allowed"
            )
        if self.self_check is not None:
            notes.append(
                f"reference's gradients against central differences: {self.self_check:.1e}"
            )
        return notes


def _figures(comparisons: Sequence[Difference]) -> dict[str, float | None] | None:
    """The largest figures; null where there is no number, as JSON has no infinity."""
    if not comparisons:
        return None
    found = worst(comparisons)
    numbers = {"max_abs": found.max_abs, "max_rel": found.max_rel}
    return {key: value if math.isfinite(value) else None for key, value in numbers.items()}


def _row(found: Compared) -> tuple[str, ...]:
    cells = [f"{worst(part).max_rel:.1e}" if part else "–" for part in found.parts().values()]
    return found.name, *cells, "ok" if found.ok else "differs"


def _pair(pairs: Mapping[tuple[str, str], Difference]) -> str:
    (left, right), found = max(pairs.items(), key=lambda item: item[1].max_rel)
    return f"{found.max_rel:.1e} ({left}, {right})"
