"""Losses of two networks against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.adversarial import GanLoss
from dslc_onnx.rules import RULES

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(GanLoss)
def gan_loss(at: Lowering[GanLoss]) -> Result:
    """What a score counts, and its mean."""
    of, kind, type, x = at.op.of, at.op.kind, at.operand().type, at.input()
    if kind == "least_squares":
        if of != "fake":
            x = at.emit("Sub", x, at.number(1.0), type=type, label="error")
        value = at.emit("Mul", x, x, type=type, label="square")
        return at.emit("ReduceMean", value, keepdims=0)
    if of != "fake":
        x = at.emit("Neg", x, type=type, label="turned")
    if kind == "logistic":
        x = at.emit("Softplus", x, type=type, label="softplus")
    elif kind == "hinge" and of != "generator":
        margin = at.emit("Add", x, at.number(1.0), type=type, label="margin")
        x = at.emit("Relu", margin, type=type, label="relu")
    return at.emit("ReduceMean", x, keepdims=0)
