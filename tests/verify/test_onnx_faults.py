"""A fault that is planted in an exported file makes `verify` fail."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dslc.passes.pipeline import check_file
from dslc.tools.verify import Comparison
from tests.numeric.frameworks import backend_named

pytestmark = [pytest.mark.onnx, pytest.mark.xdist_group("onnx")]

SPEC = Path(__file__).parent / "specs" / "specimen.yaml"

Edit = Callable[[Any], None]


@cache
def specimen() -> Comparison:
    return Comparison(check_file(str(SPEC)), backend_named("torch"), seed=0, hasty=True)


def attribute(op_type: str, name: str, value: object, *, having: str = "") -> Edit:
    """Gives every node of a kind (that has some attribute) another value of one."""

    def edit(model: Any) -> None:
        import onnx

        nodes = [node for node in model.graph.node if node.op_type == op_type]
        if having:
            nodes = [n for n in nodes if having in (item.name for item in n.attribute)]
        assert nodes, f"no {op_type} in the file"
        for node in nodes:
            kept = [item for item in node.attribute if item.name != name]
            del node.attribute[:]
            node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])

    return edit


def tensor(ending: str, change: Callable[[Any], Any]) -> Edit:
    """Changes the numbers of the tensors whose names end so."""

    def edit(model: Any) -> None:
        from onnx import numpy_helper

        found = [item for item in model.graph.initializer if item.name.endswith(ending)]
        assert found, f"no tensor is called …{ending}"
        for item in found:
            array = change(numpy_helper.to_array(item).copy())
            item.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), item.name))

    return edit


FAULTS: dict[str, Edit] = {
    "an epsilon of layer norm": attribute("LayerNormalization", "epsilon", 1e-6),
    "pads before and after": attribute("Conv", "auto_pad", "SAME_LOWER", having="auto_pad"),
    "a slope": attribute("LeakyRelu", "alpha", 0.3),
    "zeros counted in a mean": attribute("AveragePool", "count_include_pad", 1),
    "GELU by tanh everywhere": attribute("Gelu", "approximate", "tanh"),
    "GELU by erf everywhere": attribute("Gelu", "approximate", "none"),
    "an axis of softmax": attribute("Softmax", "axis", -1),
    "a mask of what lies ahead": attribute("Trilu", "upper", 0),
    "a gate order": tensor("lstm.W_l0", lambda w: w[:, np.r_[0:6, 12:18, 6:12, 18:24]]),
    "a transposed weight": tensor("from_flat.weight", lambda w: w.T.reshape(w.shape)),
    "a bias left out": tensor("head.bias", np.zeros_like),
    "statistics left out": tensor("conv.weight/dslc.folded", lambda w: w * 1.0001),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import dslc_onnx.driver
    import onnx

    export = dslc_onnx.driver.export

    def export_edited(*args: Any, **options: Any) -> bytes:
        model = onnx.load_from_string(export(*args, **options))
        FAULTS[fault](model)
        return model.SerializeToString()

    monkeypatch.setattr(dslc_onnx.driver, "export", export_edited)
    result = specimen().compare(backend_named("onnx"))
    assert not result.ok
    assert not any("it raised" in text for text in result.problems), result.problems
