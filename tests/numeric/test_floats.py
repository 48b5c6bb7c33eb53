"""Floats of other widths: weights follow the spec's dtype, or a backend says that it has none."""

import pytest

from dslc.emit.backend import BuildError
from dslc.tools.verify import verify
from tests.numeric.dtypes import ALLOWED, variants
from tests.numeric.frameworks import backend_named, backend_params
from tests.numeric.judge import Batch
from tests.numeric.table import Case, check, spec

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
      - {norm}
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
    norm = "batch_norm" if dtype == "f64" else "group_norm: 2"
    checked = check(SPEC.format(dtype=dtype, norm=norm))
    found = backend_named(backend)
    if dtype not in HAVE[backend]:
        if backend == "jax":
            with pytest.raises(BuildError, match=r"f32"):
                found.model_source(checked)
        return
    result = verify(checked, [found])
    assert result.ok, result.problems()


@pytest.mark.keras
@pytest.mark.xdist_group("keras")
def test_gradients_are_those_of_f64() -> None:
    """Of a share of the ops; PyTorch in f64 is the judge itself, and JAX has no f64."""
    cases = [case for case in variants(every=False) if case.dtype == "f64" and builds(case)]
    figures = list(Batch(list(cases)).figures(backend_named("keras"), brief=True))
    assert any(figure.part == "gradient" for figure in figures)
    assert not [f.words for f in figures if not f.difference.max_rel <= ALLOWED["f64"]]


def builds(case: Case) -> bool:
    """Whether Keras has a case, and says so where it has not."""
    try:
        backend_named("keras").model_source(check(spec([case])))
    except BuildError:
        return False
    return True
