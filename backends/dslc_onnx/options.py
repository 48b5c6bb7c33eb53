"""What an export may be told."""

from __future__ import annotations

from typing import final

from dslc.limits import DEFAULT_LIMITS, Limits
from dslc_onnx.errors import ExportError
from dslc_onnx.wire import LONGEST

IR_VERSIONS = {17: 8, 18: 8, 19: 9, 20: 10, 21: 10, 22: 10, 23: 11}
"""The file format's version for each opset, always written out: a library's own default may be
newer than what the runtimes of its day read."""

DEFAULT_OPSET = 20


@final
class Options:
    """The options of an export.

    Args:
        opset: The version of the operators, 17 to 23.
        fold_batch_norm: Whether a batch norm behind a convolution or linear map joins its weights.
        seed: What the initial weights are drawn from where none are given.
        limits: The budget for weight bytes.
        longest: From how many bytes of weights on they stand in a file of their own.
    """

    __slots__ = ("fold_batch_norm", "limits", "longest", "opset", "seed")

    def __init__(
        self,
        *,
        opset: int = DEFAULT_OPSET,
        fold_batch_norm: bool = True,
        seed: int = 0,
        limits: Limits = DEFAULT_LIMITS,
        longest: int = LONGEST - (1 << 26),
    ) -> None:
        if opset not in IR_VERSIONS:
            raise ExportError(
                f"opset {opset} is not one of {min(IR_VERSIONS)} to {max(IR_VERSIONS)}"
            )
        self.opset = opset
        self.fold_batch_norm = fold_batch_norm
        self.seed = seed
        self.limits = limits
        self.longest = longest

    @property
    def ir_version(self) -> int:
        """The file format's version."""
        return IR_VERSIONS[self.opset]
