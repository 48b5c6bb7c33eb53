"""Comparisons and logic: values of bool."""

from __future__ import annotations

from dslc.ops.base import Check, Input
from dslc.ops.bases import Broadcasting, Elementwise
from dslc.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from dslc.ir.types import TensorType


class _Comparison(Broadcasting):
    """A comparison of two values, broadcast."""

    inputs = (Input("x", "number"), Input("y", "number"))

    def infer(self, check: Check, *types: TensorType) -> TensorType:
        return super().infer(check, *types).with_dtype("bool")


class Equal(_Comparison):
    """`x == y`. Source: ONNX Equal."""

    family = "arithmetic"


class NotEqual(_Comparison):
    """`x != y`. Source: ONNX Equal and Not."""

    family = "arithmetic"


class Less(_Comparison):
    """`x < y`. Source: ONNX Less."""

    family = "arithmetic"


class LessEqual(_Comparison):
    """`x <= y`. Source: ONNX LessOrEqual."""

    family = "arithmetic"


class Greater(_Comparison):
    """`x > y`. Source: ONNX Greater."""

    family = "arithmetic"


class GreaterEqual(_Comparison):
    """`x >= y`. Source: ONNX GreaterOrEqual."""

    family = "arithmetic"


class _Logic(Broadcasting):
    """A function of two truth values, broadcast."""

    inputs = (Input("x", "bool"), Input("y", "bool"))


class LogicalAnd(_Logic):
    """Whether both hold. Source: ONNX And."""

    family = "arithmetic"


class LogicalOr(_Logic):
    """Whether one holds. Source: ONNX Or."""

    family = "arithmetic"


class LogicalXor(_Logic):
    """Whether exactly one holds. Source: ONNX Xor."""

    family = "arithmetic"


class LogicalNot(Elementwise):
    """Whether it does not hold. Source: ONNX Not."""

    family = "arithmetic"
    inputs = (Input("x", "bool"),)
