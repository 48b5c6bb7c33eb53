"""The Python API."""

from pathlib import Path

import pytest

import dslc

ROOT = Path(__file__).parents[2]
RESNET = ROOT / "specs" / "zoo" / "resnet50.yaml"


def test_load_checks_and_sets_params() -> None:
    net = dslc.load(RESNET, classes=10, depths=[1, 1])
    assert str(net.outputs["logits"].type) == "f32[N, 10]"
    assert str(net.inputs["image"].type) == "f32[N, 3, H, W]"
    assert net.check() == ("H >= 32", "W >= 32")
    assert net.summary().parameters < 25557032
    assert repr(net) == "ResNet50(image: f32[N, 3, H, W]) -> logits: f32[N, 10]"


def test_a_wrong_spec_raises_with_its_diagnostics(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("dslc: 1\nname: Net\ninputs:\n  x: f32[N, 8]\nsteps:\n  - lineer: 10\n")
    with pytest.raises(dslc.SpecError) as caught:
        dslc.load(path)
    assert [item.code for item in caught.value.diagnostics] == ["E0501"]
    assert "net.yaml:6:5: E0501" in str(caught.value)


def test_an_unknown_param_is_refused() -> None:
    with pytest.raises(dslc.SpecError, match="no such param"):
        dslc.load(RESNET, clases=10)


def test_words_and_lists_reach_their_slots() -> None:
    text = (
        "dslc: 1\nname: Net\nparams: {act: str = relu, widths: [4]}\ninputs:\n  x: f32[N, 8]\n"
        "steps:\n  - linear: width\n    repeat: {over: widths, as: width}\n"
    )
    from dslc.api import loads

    assert str(loads(text, act="gelu", widths=(2, 3)).outputs["output"].type) == "f32[N, 3]"
    with pytest.raises(TypeError, match="widths"):
        loads(text, widths={1, 2})
