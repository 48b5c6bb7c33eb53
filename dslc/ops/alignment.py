"""Losses of sequences whose targets are shorter, and nobody says which place is which."""

from __future__ import annotations

from dslc.ir.dims import dim_min
from dslc.ops.attributes import Integer
from dslc.ops.base import Check, Input, Op
from dslc.ops.shapes import need_rank
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dslc.ir.dims import DimLike
    from dslc.ir.types import TensorType


class Ctc(Op):
    """Connectionist temporal classification: how unlikely logits make a target, however aligned.

    For each row `-log` of the sum over all ways to read the target from T classes, repeats joined
    and blanks left out, divided by the target's length; the mean over rows is taken. A row whose
    target does not fit into its length counts 0. `lengths` says how many of the T places count,
    `target_lengths` how many of the S; all by default.
    Shape: logits `[N, T, C]`, integers `[N, S]`, `[N]`, `[N]` → scalar.
    Source: ONNX Scan; `torch.nn.functional.ctc_loss` with `zero_infinity`; Graves et al. 2006.
    """

    family = "loss"
    primary = "blank"
    inputs = (
        Input("logits"),
        Input("target", "integer"),
        Input("lengths", "integer", default="none"),
        Input("target_lengths", "integer", default="none"),
    )
    blank = Integer(0, minimum=0, doc="the class that stands for nothing")

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        logits, target, *lengths = types
        need_rank(self.name, logits, 3, "[N, T, C]")
        need_rank(self.name, target, 2, "a target [N, S]", input=1)
        for position, value in enumerate(lengths, 2):
            need_rank(self.name, value, 1, "lengths [N]", input=position)
        for position, value in enumerate((target, *lengths), 1):
            message = f"there are {logits.shape[0]} rows of logits and {value.shape[0]} of this"
            sizes = (logits.shape[0], value.shape[0])
            check.require("==", *sizes, message, code="E0304", input=position, axis=0)
        classes = logits.shape[2]
        message = (
            f"there are {classes} classes; `ctc` needs the blank, {self.blank}, and another one"
        )
        least = max(self.blank + 1, 2)
        check.require(">=", classes, least, message, code="E0504", attribute="blank")
        return logits.with_shape()

    def ceilings(self, *types: TensorType) -> tuple[DimLike | None, ...]:
        logits, target, *lengths = types
        time, classes = logits.shape[1:]
        most = self.blank if self.blank_is_last(classes) else classes
        both = (time + 1, target.shape[1] + 1)
        ends = both if len(lengths) == 2 else (dim_min(*both),) * len(lengths)
        return None, most, *ends

    def floors(self, *types: TensorType) -> tuple[int, ...]:
        least = 0 if self.blank_is_last(types[0].shape[2]) else self.blank + 1
        return 0, least, *(0 for _ in types[2:])

    def blank_is_last(self, classes: DimLike) -> bool:
        """Whether the blank is the last class; a target holds those on one side of it."""
        return isinstance(classes, int) and self.blank == classes - 1

    def flops(self, types: Sequence[TensorType], outputs: Sequence[TensorType]) -> DimLike:
        logits, target = types[:2]
        rows, time, classes = logits.shape
        return rows * time * (5 * classes + 10 * (2 * target.shape[1] + 1))
