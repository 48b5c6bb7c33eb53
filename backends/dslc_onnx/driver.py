"""The exported ONNX model driven with NumPy arrays through onnxruntime, one thread."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, Any, final

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime

from dslc.emit.driver import Driver
from dslc_onnx.export import as_written, export
from dslc_onnx.graph import PATH
from dslc_onnx.options import Options
from dslc_onnx.rewrites import all_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from dslc.passes.pipeline import Checked

    Array = NDArray[Any]

ERRORS_ONLY = 3
SHORT = "tensor(bfloat16)"
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""What runs a model on a device of each kind."""


@final
class OnnxDriver(Driver):
    """Runs the model file of one spec; it is exported anew for each set of weights.

    Args:
        checked: The spec.
        device: "cpu", or "cuda" where onnxruntime is built for it.
    """

    differentiable = False
    layouts = ("spec",)

    def __init__(self, checked: Checked, device: str = "cpu") -> None:
        self.checked = checked
        self.providers = [PROVIDERS[device]]
        self.outputs = [name for name, _ in checked.instance.module.outputs]
        self.held: Mapping[str, Array] = {}
        self.model = b""
        self.session: Any = None

    def load(self, weights: Mapping[str, Array]) -> None:
        """Takes the portable weights, all of them."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        self.model = export(self.checked, weights)
        self.session = onnxruntime.InferenceSession(self.model, options, providers=self.providers)
        self.held = weights

    def weights(self) -> dict[str, Array]:
        """The portable weights, which nothing changes."""
        return dict(self.held)

    def forward(self, inputs: Mapping[str, Array], *, training: bool = False) -> dict[str, Array]:
        """The outputs by name."""
        if training:
            raise ValueError("an ONNX model has no training mode")
        used = {item.name for item in self.session.get_inputs()}
        given = {name: array for name, array in inputs.items() if name in used}
        ends = [*self.session.get_inputs(), *self.session.get_outputs()]
        if any(item.type == SHORT for item in ends):
            return dict(zip(self.outputs, self.run_short(given), strict=True))
        return dict(zip(self.outputs, self.session.run(self.outputs, given), strict=True))

    def run_short(self, inputs: Mapping[str, Array]) -> list[Array]:
        """The outputs where some values are bf16, which NumPy does not have."""
        short = {item.name for item in self.session.get_inputs() if item.type == SHORT}
        given = {name: from_numpy(array, is_short=name in short) for name, array in inputs.items()}
        return [to_numpy(value) for value in self.session.run_with_ort_values(self.outputs, given)]

    def forward_and_gradients(
        self,
        inputs: Mapping[str, Array],
        cotangents: Mapping[str, Array],
        *,
        training: bool = False,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """An ONNX model has no gradients."""
        del inputs, cotangents, training
        raise ValueError("an ONNX model has no gradients")

    def epsilons(self) -> dict[str, float]:
        """The epsilon of every normalisation by its path.

        Those of the file that runs; what is not in it, being folded into a convolution or read by
        nothing, is looked up among the nodes that it was made from.
        """
        kept = as_written(self.checked, self.held, Options()).nodes
        runs = ir.from_proto(onnx.load_from_string(self.model)).graph
        return epsilons_of(kept) | epsilons_of(runs)


def from_numpy(array: Array, *, is_short: bool) -> Any:
    """An array as onnxruntime has it, floats as bf16 where that `is_short`."""
    if not is_short:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
    bits = array.astype(ir.DataType.BFLOAT16.numpy()).view(np.uint16)
    kind = onnx.TensorProto.BFLOAT16
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, kind)


def to_numpy(value: Any) -> Array:
    """A value of onnxruntime as an array, bf16 as float32."""
    if value.data_type() != SHORT:
        return value.numpy()
    shape, pointer = tuple(value.shape()), value.data_ptr()
    count = math.prod(shape)
    bits = np.array((ctypes.c_uint16 * count).from_address(pointer), np.uint16) if count else []
    short = np.asarray(bits, np.uint16).view(ir.DataType.BFLOAT16.numpy())
    return short.astype(np.float32).reshape(shape)


def epsilons_of(nodes: Iterable[ir.Node]) -> dict[str, float]:
    """The epsilons of nodes by the path of their step."""
    found: dict[str, float] = {}
    for node in all_nodes(nodes):
        epsilon = node.attributes.get("epsilon")
        if epsilon is not None:
            found[node.metadata_props[PATH]] = epsilon.as_float()
        elif node.name is not None and node.name.endswith("/safe"):
            constant = node.inputs[1]
            assert constant is not None
            assert constant.const_value is not None
            found[node.metadata_props[PATH]] = float(constant.const_value.numpy())
    return found
