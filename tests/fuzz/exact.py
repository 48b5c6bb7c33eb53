"""An ONNX file as onnxruntime computes it with a sigmoid that is right to the last digit.

Its own is right to 1e-7 of 1, so that what is near 0 has no right digit left: a quotient or a root of
it shows that. In float64 it is exact enough. Nothing else of the file changes.
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
    """A node between a cast to float64 and one back."""
    wide, done = f"{node.output[0]}/wide", f"{node.output[0]}/done"
    return [
        helper.make_node("Cast", [node.input[0]], [wide], to=TensorProto.DOUBLE),
        helper.make_node(node.op_type, [wide], [done]),
        helper.make_node("Cast", [done], [node.output[0]], to=TensorProto.FLOAT),
    ]
