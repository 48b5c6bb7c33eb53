"""The export around the rules: options, names, the file's bytes, refusals, the generated project."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import onnxruntime
import pytest
from dslc_onnx import ExportError, backend
from dslc_onnx.wire import serialise

from dslc.emit.backend import BuildError, Rules
from dslc.files import OutputError
from dslc.limits import Limits
from dslc.ops.activation import Relu
from dslc.passes.pipeline import Checked
from tests.onnx.harness import (
    TOLERANCE,
    check,
    distance,
    export,
    nodes_of,
    random_inputs,
    random_weights,
    run_onnxruntime,
    spec,
)

pytestmark = pytest.mark.onnx


def small() -> Checked:
    return spec({"x": "f32[N, 300]"}, "- linear: 4\n- relu:\n  name: y")


def test_the_same_spec_gives_the_same_bytes_under_any_hash_seed() -> None:
    root = Path(__file__).parents[2]
    code = (
        "import hashlib, sys; sys.path[:0] = ['backends', '.'];"
        "from dslc.passes.pipeline import check_file; from dslc_onnx import backend;"
        "data = backend.export(check_file('specs/zoo/gpt.yaml'));"
        "print(hashlib.sha256(data).hexdigest())"
    )
    found = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-c", code]
        result = subprocess.run(
            command, cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        found.add(result.stdout)
    assert len(found) == 1


def test_nothing_but_its_own_library_is_imported() -> None:
    root = Path(__file__).parents[2]
    code = (
        "import sys; sys.path[:0] = ['backends', '.'];"
        "from dslc_onnx import backend; early = {*sys.modules};"
        "from dslc.passes.pipeline import check_file;"
        "backend.export(check_file('specs/zoo/gpt.yaml'));"
        "assert not early & {'numpy', 'onnx', 'onnx_ir'}, early;"
        "bad = {'torch', 'tensorflow', 'keras', 'jax', 'flax', 'onnxruntime', 'dslc_torch'};"
        "assert not bad & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_the_bytes_say_what_the_library_would_write() -> None:
    checked = small()
    model = backend.model(checked, random_weights(checked))
    ours = onnx.load_from_string(b"".join(serialise(model)))
    theirs = onnx_ir.to_proto(model)
    for one, other in zip(ours.graph.initializer, theirs.graph.initializer, strict=True):
        assert one.name == other.name
        left, right = (onnx.numpy_helper.to_array(tensor) for tensor in (one, other))
        np.testing.assert_array_equal(left, right)
    held = {tensor.name for tensor in ours.graph.initializer}
    for message in (ours, theirs):
        kept = [item for item in message.graph.value_info if item.name not in held]
        message.graph.ClearField("value_info")
        message.graph.value_info.extend(kept)
        message.graph.ClearField("initializer")
    assert ours == theirs


@pytest.mark.parametrize(
    ("opset", "ir_version"), [(17, 8), (18, 8), (19, 9), (20, 10), (21, 10), (22, 10), (23, 11)]
)
def test_opset_and_file_format_are_explicit(opset: int, ir_version: int) -> None:
    model = onnx.load_from_string(backend.export(small(), opset=opset))
    assert (model.opset_import[0].version, model.ir_version) == (opset, ir_version)


@pytest.mark.parametrize("opset", [16, 24, -1])
def test_other_opsets_are_refused(opset: int) -> None:
    with pytest.raises(ExportError, match="17 to 23"):
        backend.export(small(), opset=opset)


def test_initial_values_are_those_of_the_project() -> None:
    from dslc.weights import fan_in_uniform, initial, kaiming_uniform

    shapes = {"linear.weight": (4, 300), "linear.bias": (4,)}
    rules = [("**.weight", kaiming_uniform()), ("**.bias", fan_in_uniform())]
    model = onnx.load_from_string(backend.export(small(), seed=3))
    found = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    for name, values in initial(shapes, rules, 3).items():
        np.testing.assert_array_equal(found[name], values)


def test_weights_are_wrapped_and_not_copied() -> None:
    checked = small()
    weights = random_weights(checked)
    model = backend.model(checked, weights)
    tensor = model.graph.initializers["linear.weight"].const_value
    assert tensor is not None
    assert np.shares_memory(tensor.numpy(), weights["linear.weight"])


def test_wrong_weights_are_all_named() -> None:
    checked = small()
    weights = random_weights(checked)
    weights["linear.weight"] = weights["linear.weight"].T
    weights["linear.bais"] = weights.pop("linear.bias")
    with pytest.raises(ExportError) as caught:
        backend.export(checked, weights)
    for part in ("linear.bias: missing", "linear.bais: not in", "expected [4, 300]"):
        assert part in str(caught.value)


def test_outputs_may_be_inputs_shared_or_named_as_other_steps() -> None:
    text = """
dslc: 1
name: Net
inputs: {x: "f32[N, 3]"}
steps:
  - relu:
    name: a
  - tanh:
    name: b
  - parameter: [3]
    name: p
outputs: {b: a, a: b, twice: a, same: x, weight: p}
"""
    checked = check(text)
    weights = random_weights(checked)
    inputs = random_inputs(checked, {"N": 2}, ids=2)
    found = run_onnxruntime(export(checked, weights), inputs)
    a = np.maximum(inputs["x"], 0)
    expected = {"b": a, "a": np.tanh(a), "twice": a, "same": inputs["x"], "weight": weights["p"]}
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert distance(found[name], value) < TOLERANCE


def test_steps_that_no_output_needs_are_left_out() -> None:
    steps = "- linear: 3\n  name: y\n- linear: 500\n  name: z"
    data = export(checked := spec({"x": "f32[N, 6]"}, steps), random_weights(checked))
    assert nodes_of(data) == ["Gemm"]
    assert len(onnx.load_from_string(data).graph.initializer) == 2


def test_double_precision_stays() -> None:
    steps = "- layer_norm\n- multi_head_attention: {heads: 2, causal: true}\n- linear: 3\n  name: y"
    checked = spec({"x": "f64[N, T, 8]"}, steps)
    weights = random_weights(checked)
    inputs = random_inputs(checked, {"N": 2, "T": 5}, ids=2)
    found = run_onnxruntime(export(checked, weights), inputs)["out_0"]
    single = spec({"x": "f32[N, T, 8]"}, steps)
    narrow = {"x": inputs["x"].astype(np.float32)}
    other = run_onnxruntime(export(single, weights), narrow)["out_0"]
    assert found.dtype == np.float64
    assert 0 < distance(other.astype(np.float64), found) < TOLERANCE


def test_weights_beyond_the_limit_are_refused_before_they_are_made() -> None:
    huge = spec({"x": "f32[N, 30000]"}, "- linear: 30000\n  name: y")
    with pytest.raises(ExportError, match="weight_bytes"):
        backend.export(huge, limits=Limits().override("weight_bytes", 1 << 31))
    with pytest.raises(ExportError, match="weight_bytes"):
        backend.export(small(), limits=Limits().override("weight_bytes", 100))


def test_what_only_a_number_can_say_is_refused_with_its_place() -> None:
    checked = spec({"x": "f32[N, 3, H, W]"}, "- avg_pool2d: [H, W]\n  name: y")
    with pytest.raises(ExportError, match=r"net\.yaml:\d+:\d+: `avg_pool2d`: `kernel` is H"):
        backend.export(checked)


def test_an_output_named_as_an_input_is_refused() -> None:
    text = 'dslc: 1\nname: Net\ninputs: {x: "f32[N]"}\nsteps:\n  - relu:\n    name: y\n'
    with pytest.raises(ExportError, match="`x` has the name of an input"):
        backend.export(check(text + "outputs: {x: y}\n"))


def test_two_rules_or_a_rule_and_a_gap_raise() -> None:
    rules = Rules("onnx")
    rules.gap(Relu, "it is only a test")
    with pytest.raises(TypeError, match="two rules for `relu`"):
        rules.add(Relu)(lambda at: at.operand())
    with pytest.raises(BuildError, match="only a test"):
        rules.find(Relu)
    with pytest.raises(TypeError, match="two rules"):
        backend.rules.add(Relu)(lambda at: at.operand())


def test_save_replaces_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    backend.save(small(), None, path)
    first = path.read_bytes()
    assert first == backend.export(small())
    with pytest.raises(OutputError):
        backend.save(small(), None, path, seed=1)
    assert path.read_bytes() == first
    backend.save(small(), None, path, seed=1, force=True)
    assert path.read_bytes() != first


def test_the_project_runs_where_dslc_is_not(tmp_path: Path) -> None:
    checked = spec({"x": "f32[N, 300]", "k": "i64[N]"}, "- linear: 4\n  name: y\n  from: x")
    files = backend.project(checked)
    assert {"model.onnx", "run.py", "README.md", "pyproject.toml", "net.yaml"} == files.keys()
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
    inputs = random_inputs(checked, {"N": 2}, ids=3)
    np.savez(tmp_path / "in.npz", **inputs)
    command = [sys.executable, "-I", "run.py"]
    run = {"cwd": tmp_path, "capture_output": True, "text": True}
    result = subprocess.run([*command, "in.npz", "-o", "out.npz"], **run)
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "out.npz") as found:
        expected = run_onnxruntime(files["model.onnx"], inputs)
        np.testing.assert_array_equal(found["out_0"], expected["out_0"])
    np.save(tmp_path / "x.npy", inputs["x"])
    result = subprocess.run([*command, "x=x.npy"], **run)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "the model takes x, k" in result.stderr
    assert "@" not in files["run.py"].split('"""')[1]
    assert "f32[N, 300]" in files["README.md"]


def test_outputs_of_a_layer_that_nothing_reads_are_not_there() -> None:
    checked = spec(
        {"x": "f32[N, T, 6]"}, "- lstm: 5\n  name: r\n- relu:\n  from: r.last\n  name: y"
    )
    model = onnx.load_from_string(export(checked, random_weights(checked)))
    layer = next(node for node in model.graph.node if node.op_type == "LSTM")
    assert list(layer.output) == ["", "r/Y_h_l0"]


def test_the_first_of_equal_scores_counts() -> None:
    steps = "- accuracy:\n  from: [x, t]\n  name: y"
    data = export(spec({"x": "f32[N, 3]", "t": "i64[N]"}, steps), {})
    inputs = {"x": np.zeros((4, 3), np.float32), "t": np.array([0, 1, 2, 0])}
    assert run_onnxruntime(data, inputs)["out_0"] == 0.5


def test_weights_stand_beside_a_file_that_they_do_not_fit_into(tmp_path: Path) -> None:
    checked = small()
    weights = random_weights(checked)
    path = tmp_path / "model.onnx"
    backend.save(checked, weights, path, longest=1000)
    assert path.stat().st_size < 1000
    beside = tmp_path / "model.onnx.data"
    assert beside.stat().st_size >= 4 * 4 * 300
    onnx.checker.check_model(str(path), full_check=True)
    loaded = onnx.load(str(path))
    found = {t.name: onnx.numpy_helper.to_array(t) for t in loaded.graph.initializer}
    assert found.keys() == weights.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(found[name], array)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = random_inputs(checked, {"N": 2}, ids=2)
    expected = run_onnxruntime(export(checked, weights), inputs)
    for name, array in zip(expected, session.run(None, inputs), strict=True):
        np.testing.assert_array_equal(array, expected[name])
    backend.save(checked, weights, path, longest=1000)  # the same again is no change
    other = {name: array + 1 for name, array in weights.items()}
    before = beside.read_bytes()
    with pytest.raises(OutputError, match="--force"):
        backend.save(checked, other, path, longest=1000)
    assert beside.read_bytes() == before
