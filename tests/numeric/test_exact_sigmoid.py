"""The judge that puts an ONNX file to the runtime with an exact sigmoid, down to where it is nearly 0."""

from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.onnx, pytest.mark.xdist_group("onnx")]

POINTS = (-100, -60, -40, -30, -19, -10, -1, 0, 1, 10, 30, 1000, -1000)


def product(x: np.ndarray, run: Any) -> np.ndarray:
    """`sigmoid(x) * tanh(x)` of an ONNX file."""
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"]),
        helper.make_node("Tanh", ["x"], ["t"]),
        helper.make_node("Mul", ["s", "t"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, kind, ["N"]) for name in "xy"]
    graph = helper.make_graph(nodes, "product", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return run(model.SerializeToString(), {"x": x})["y"]


def run_plainly(model: bytes, inputs: dict[str, Any]) -> dict[str, Any]:
    """The runtime's own functions."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return {"y": session.run(["y"], inputs)[0]}


def test_what_is_nearly_nothing_keeps_its_sign() -> None:
    """The floor of a product that is barely negative is -1; the runtime's own sigmoid is 0 there."""
    from tests.fuzz.exact import run_exactly

    x = np.array(POINTS, np.float32)
    wide = x.astype(np.float64)
    with np.errstate(over="ignore"):
        expected = np.tanh(wide) / (1 + np.exp(-wide))
    found = product(x, run_exactly)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-44)
    tail = x == -40
    assert np.floor(found[tail]) == np.floor(expected[tail]) == -1
    assert np.floor(product(x, run_plainly)[tail]) == 0
