"""Many cases on one backend, each with what comes of it: right numbers, wrong ones, or none.

Cases run together in as few models as the backend's own refusals allow. What a backend does not have
it says itself, when the model is built or as its framework's own error.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from dslc.emit.backend import BuildError
from tests.numeric.table import Case

LACKS = {
    "kernel": re.compile(
        r"NOT_IMPLEMENTED|[Nn]ot implemented for|data type is not supported|does not support double"
        r"|Could not find device for node|not in the list of allowed values"
        r"|Type 'tensor\(bfloat16\)'|cannot broadcast on dim 0|Invalid num_outputs value"
        r"|(max|min) of an empty tensor|Biases must be 1D"
        r"|integer modulo by zero"
    ),
    "standard": re.compile(r"takes no values of|ONNX has it of"),
    "weights": re.compile(r"has weights and computes in"),
    "x64": re.compile(r"unless x64 is switched on"),
    "rounded": re.compile(r"rounds f64"),
}
"""How a framework says that it has no kernel, and a backend why it has no form; see the page."""


class Outcome:
    """What came of a case on a backend: nothing, a fault in words, or the reason why there is none."""

    def __init__(self, case: Case, fault: str = "", lack: str = "") -> None:
        self.case = case
        self.fault = fault
        self.lack = lack

    def __repr__(self) -> str:
        return f"{self.case}: {self.fault or self.lack or 'right'}"


Compare = Callable[[Any, Sequence[Case]], list[Outcome]]


def outcomes(backend: Any, cases: Sequence[Case], compare: Compare) -> list[Outcome]:
    """What comes of cases, each half by itself where one of them raises."""
    try:
        return compare(backend, cases) if cases else []
    except Exception as error:
        if len(cases) > 1:
            half = len(cases) // 2
            parts = cases[:half], cases[half:]
            return [found for part in parts for found in outcomes(backend, part, compare)]
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
        lack = next((word for word, said in LACKS.items() if said.search(words)), "")
        if not lack and isinstance(error, BuildError):
            lack = "refused"
        return [Outcome(cases[0], fault="" if lack else words, lack=lack)]
