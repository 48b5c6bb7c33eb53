"""ONNX's reference evaluator in float64: what the operators mean, computed by none of our backends."""

import warnings
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import onnx
    from onnx import TensorProto, numpy_helper
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.op_run import OpRun

FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE


class LRN(OpRun):
    """The evaluator's own leaves out channels where there are more of them than rows."""

    def _run(self, x: Any, alpha: Any, beta: Any, bias: Any, size: Any) -> tuple[Any]:
        before, after = (size - 1) // 2, size - 1 - (size - 1) // 2
        pads = [(0, 0), (before, after), *[(0, 0)] * (x.ndim - 2)]
        squares = np.pad(x * x, pads)
        total = sum(squares[:, k : k + x.shape[1]] for k in range(size))
        return (x / (bias + alpha / size * total) ** beta,)


def evaluate(model: bytes, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a model, every float of which is made float64 first."""
    wide = widened(onnx.load_from_string(model))
    known = {item.name for item in wide.graph.input}
    given = {name: to_double(array) for name, array in inputs.items() if name in known}
    names = [item.name for item in wide.graph.output]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dict(
            zip(names, ReferenceEvaluator(wide, new_ops=[LRN]).run(names, given), strict=True)
        )


def to_double(array: Any) -> Any:
    """A float array in float64, any other as it is."""
    return array.astype(np.float64) if array.dtype == np.float32 else array


def widened(model: Any) -> Any:
    """The model with f64 wherever it had f32."""
    widen(model.graph)
    return model


def widen(graph: Any) -> None:
    """The same for a graph, and for those inside it."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == FLOAT:
            value.type.tensor_type.elem_type = DOUBLE
    for tensor in graph.initializer:
        tensor.CopyFrom(widened_tensor(tensor))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                attribute.t.CopyFrom(widened_tensor(attribute.t))
            elif attribute.type == onnx.AttributeProto.GRAPH:
                widen(attribute.g)
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == FLOAT:
                attribute.i = DOUBLE


def widened_tensor(tensor: Any) -> Any:
    """A tensor in float64 where it was float32."""
    if tensor.data_type != FLOAT:
        return tensor
    array = numpy_helper.to_array(tensor).astype(np.float64)
    return numpy_helper.from_array(array, tensor.name)
