"""Floats of other widths: weights follow the spec's dtype, or a backend says that it has none."""

import pytest

from dslc.emit.backend import BuildError
from dslc.tools.verify import verify
from tests.numeric.frameworks import backend_named, backend_params
from tests.numeric.table import check

SPEC = """
dslc: 1
name: Net
inputs: {{x: "{dtype}[N, 4, 6, 6]"}}
blocks:
  Unit:
    params: {{width: int}}
    inputs: {{x: "{dtype}[N, C, H, W]"}}
    steps:
      - conv2d: {{out: width, kernel: 3, padding: 1}}
      - group_norm: 2
      - relu
steps:
  - Unit: {{width: 6}}
    repeat: 2
  - global_avg_pool
  - linear: 4
    name: head
""".lstrip()
HAVE = {
    "torch": ("f16", "bf16", "f64"),
    "keras": ("f16", "bf16", "f64"),
    "jax": (),
    "onnx": ("f16",),  # onnxruntime has no convolutions of the others on a CPU
}


@pytest.mark.parametrize("backend", backend_params())
@pytest.mark.parametrize("dtype", ["f16", "bf16", "f64"])
def test_weights_follow_the_dtype(backend: str, dtype: str) -> None:
    checked = check(SPEC.format(dtype=dtype))
    found = backend_named(backend)
    if dtype not in HAVE[backend]:
        if backend == "jax":
            with pytest.raises(BuildError, match=r"f32"):
                found.model_source(checked)
        return
    result = verify(checked, [found])
    assert result.ok, result.problems()
