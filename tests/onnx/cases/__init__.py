"""The table of cases, a file for each few families of ops."""

from tests.onnx.cases.base import Case
from tests.onnx.cases.layers import ACTIVATIONS, LINEAR, NORMS, POOLS
from tests.onnx.cases.losses import LOSSES, METRICS
from tests.onnx.cases.sequences import ATTENTION, RECURRENT
from tests.onnx.cases.values import ARITHMETIC, TENSORS

__all__ = ["ATTENTION", "CASES", "Case"]

CASES = [
    *(*ACTIVATIONS, *LINEAR, *NORMS, *POOLS, *TENSORS),
    *(*ARITHMETIC, *RECURRENT, *ATTENTION, *LOSSES, *METRICS),
]
