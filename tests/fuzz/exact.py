"""An ONNX file as onnxruntime computes it with a sigmoid that is right to the last digit.

Its own is right to 1e-7 of 1, so that what is near 0 has no right digit left, and it is 0 itself below
-18 (in float64 below -37): a quotient, a root or the `floor` of a product with a negative number shows
that. Written out in float64 it is exact. Nothing else of the file changes.
"""

from collections.abc import Mapping
from typing import Any

import onnx
import onnxruntime
from onnx import TensorProto, helper


def run_exactly(model: bytes, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The outputs of a model whose sigmoids are exact; None where it has none."""
    found = onnx.load_from_string(model)
    if not with_exact_sigmoid(found.graph):
        return None
    session = onnxruntime.InferenceSession(
        found.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    used = {item.name for item in session.get_inputs()}
    given = {name: array for name, array in inputs.items() if name in used}
    names = [item.name for item in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))


def with_exact_sigmoid(graph: Any) -> bool:
    """Makes every sigmoid of a graph, and of those inside it, exact; whether there was any."""
    nodes: list[Any] = []
    for node in graph.node:
        inner = [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
        changed = [with_exact_sigmoid(body) for body in inner]
        parts = in_double(node) if node.op_type == "Sigmoid" else [node]
        nodes += [(part, len(parts) > 1 or any(changed)) for part in parts]
    del graph.node[:]
    graph.node.extend(node for node, _ in nodes)
    return any(is_changed for _, is_changed in nodes)


def in_double(node: Any) -> list[Any]:
    """A sigmoid as `1 / (1 + exp(-x))` in float64, between a cast to it and one back."""
    wide, turned, power, one, total, done = (
        f"{node.output[0]}/{part}" for part in ("wide", "turned", "power", "one", "total", "done")
    )
    value = helper.make_tensor("", TensorProto.DOUBLE, (), [1.0])
    return [
        helper.make_node("Cast", [node.input[0]], [wide], to=TensorProto.DOUBLE),
        helper.make_node("Neg", [wide], [turned]),
        helper.make_node("Exp", [turned], [power]),
        helper.make_node("Constant", [], [one], value=value),
        helper.make_node("Add", [power, one], [total]),
        helper.make_node("Reciprocal", [total], [done]),
        helper.make_node("Cast", [done], [node.output[0]], to=TensorProto.FLOAT),
    ]
