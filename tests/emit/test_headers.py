"""What a generated file is headed by, and what a layer of a Keras model is called by what it does."""

import pytest

from dslc.api import loads
from dslc.emit.header import uncapitalized
from dslc.tools.backends import find_backend


@pytest.mark.parametrize(
    ("doc", "found"),
    [
        ("A small network", "a small network"),
        ("Bottleneck blocks", "bottleneck blocks"),
        ("BERT for pairs", "BERT for pairs"),
        ("ResNet with gates", "ResNet with gates"),
        ("U-Net of volumes", "U-Net of volumes"),
        ("Wav2vec on raw sound", "Wav2vec on raw sound"),
        ("", ""),
    ],
)
def test_names_keep_their_capitals(doc: str, found: str) -> None:
    assert uncapitalized(doc) == found


@pytest.mark.keras
@pytest.mark.xdist_group("keras")
@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("x / sqrt(T)", "DividedByT"),
        ("x * T / 4", "ScaledByT"),
        ("T + x", "ShiftedByT"),
        ("T / x", "FormulaByT"),
        ("maximum(x, T + S)", "FormulaByTS"),
    ],
)
def test_arithmetic_with_sizes_says_what_it_does(formula: str, name: str) -> None:
    checked = loads(f"""
dslc: 1
name: Net
inputs: {{seen: "f32[N, T, S]"}}
steps:
  - tanh:
    from: seen
  - expr: {formula}
  - relu:
    name: last
outputs: {{y: last}}
""").checked
    source = find_backend("keras").project(checked)["model.py"]
    assert isinstance(source, str)
    assert f"class {name}(layers.Layer):" in source
