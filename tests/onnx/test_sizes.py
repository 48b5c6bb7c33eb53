"""Sizes that are computed while the model runs, against their exact values."""

import onnx_ir as ir
import pytest
from dslc_onnx import ExportError
from dslc_onnx.graph import Graph
from dslc_onnx.sizes import Sizes, find_sources, reshape_sizes
from dslc_onnx.wire import serialise

from dslc.ir.dims import Dim, ceil_div, dim_max, dim_min, evaluate, sym
from dslc.ir.facts import Facts
from dslc.ir.types import TensorType
from tests.onnx.harness import np, run_onnxruntime, run_reference

pytestmark = pytest.mark.onnx

N, T = sym("N"), sym("T")
DIMS = [
    *(N, 3 * N, N * T, N * N + 2 * T - 7, ceil_div(T, 4), N * (T // 2) + 1),
    *((N - T) // 2, (N - 2 * T) // 3, (T - 3 * N) % 4, T % 3, (N - T * T) // (T + 1)),
    *(dim_min(N, T, 4), dim_max((N - T) // 3, -1), T - dim_max(N, T) // 2),
]


def computed(inputs: dict[str, TensorType], dims: list[Dim]) -> bytes:
    graph = Graph(None, 20)  # pyright: ignore[reportArgumentType]
    typed = {name: (graph.input(name, type), type) for name, type in inputs.items()}
    sizes = Sizes(graph, find_sources(typed), Facts())
    whole = sizes.shape(dims)
    whole.name = "sizes"
    held = {v: None for n in graph.nodes for v in n.inputs if v is not None and v.const_value}
    values = [value for value, _ in typed.values()]
    options = {"nodes": graph.nodes, "initializers": list(held), "opset_imports": {"": 20}}
    model = ir.Model(ir.Graph(values, [whole], name="sizes", **options), ir_version=10)
    return b"".join(serialise(model))


def test_sizes_are_exact_below_zero_too() -> None:
    data = computed({"x": TensorType("f32", (N, T))}, DIMS)
    below = 0
    for n in (1, 2, 5, 8):
        for t in (1, 3, 4, 7, 10):
            expected = [evaluate(dim, {"N": n, "T": t}) for dim in DIMS]
            below += min(expected) < 0
            for run in (run_onnxruntime, run_reference):
                found = run(data, {"x": np.zeros((n, t), np.float32)})["sizes"]
                assert found.tolist() == expected, (n, t)
    assert below > 5


def test_a_symbol_may_come_as_a_multiple_only() -> None:
    data = computed({"x": TensorType("f32", (3 * T, 2))}, [T, T + 1])
    found = run_onnxruntime(data, {"x": np.zeros((12, 2), np.float32)})["sizes"]
    assert found.tolist() == [4, 5]


def test_a_symbol_that_no_axis_shows_is_refused() -> None:
    with pytest.raises(ExportError, match="T cannot be read"):
        computed({"x": TensorType("f32", (N + T, N))}, [T, N])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ((N, T, 6), (N, T, 2, 3), [0, 0, 2, 3]),
        ((N * T, 6), (N, T, 6), [N, -1, 6]),
        ((N, 4, T), (N, 4 * T), [0, -1]),
        ((2, 3), (3, 2), [3, 2]),
    ],
)
def test_reshape_is_told_the_least(old: tuple, new: tuple, told: list) -> None:
    assert reshape_sizes(old, new) == told
