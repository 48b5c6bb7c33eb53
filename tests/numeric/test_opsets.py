"""Every op exported to every opset: accepted by ONNX's full checker, and right in onnxruntime.

In a run of all tests each batch of cases goes to one of the opsets beside the usual one.
"""

from zlib import crc32

import pytest

from dslc.ops import all_ops
from dslc.tools.verify_figures import FORWARD, values_apart
from tests.numeric.frameworks import WHOLE, backend_named
from tests.numeric.judge import batch, of_case
from tests.numeric.op_support import OPSETS
from tests.numeric.table import BATCHES, batches_of


@pytest.mark.onnx
@pytest.mark.xdist_group("onnx")
@pytest.mark.parametrize("title", batches_of("onnx"))
def test_opsets(title: str) -> None:
    backend_named("onnx")
    own = batch(title, "onnx" if any("onnx" in case.gaps for case in BATCHES[title]) else "")
    from tests.onnx.harness import export, run_onnxruntime

    comparison = own.comparison
    expected = comparison.reference.case(comparison.settings[0], 0, training=False)
    for opset in OPSETS if WHOLE else [OPSETS[crc32(title.encode()) % len(OPSETS)]]:
        data = export(own.checked, comparison.weights, opset=opset)
        if opset >= 22 and any(all_ops()[case.op].chance for case in own.cases):
            continue  # onnxruntime has no operators that draw from there on
        found = run_onnxruntime(data, dict(expected.inputs))
        for case in own.cases:
            apart = values_apart(of_case(case, found), of_case(case, expected.outputs))
            assert apart.max_rel <= FORWARD, (opset, case, apart)
