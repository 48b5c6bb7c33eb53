"""Whole networks: how many nodes they take, and that both runtimes agree with PyTorch."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it

from dslc.passes.pipeline import check_file
from tests.onnx.cases import ATTENTION
from tests.onnx.cases.base import attend, causal
from tests.onnx.harness import (
    TOLERANCE,
    Arrays,
    check,
    distance,
    export,
    nodes_of,
    random_inputs,
    random_weights,
    run_onnxruntime,
    run_reference,
    spec,
)
from tests.onnx.specs import BERT, GPT, STRUCTURES

pytestmark = pytest.mark.onnx

ROOT = Path(__file__).parents[2]
RESNET = str(ROOT / "specs" / "zoo" / "resnet50.yaml")


def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def calm(weights: Arrays) -> Arrays:
    """Weights divided by the root of their fan-in, so that deep networks keep their scale."""
    found = {}
    for name, array in weights.items():
        fan = np.prod(array.shape[1:]) if array.ndim > 1 else 1
        found[name] = (array * 2 / np.sqrt(fan)).astype(np.float32) if fan > 1 else array
    return found


def under(weights: dict[str, torch.Tensor], path: str) -> dict[str, torch.Tensor]:
    """The weights below a path, by their names there."""
    return {k[len(path) + 1 :]: v for k, v in weights.items() if k.startswith(path + ".")}


def resnet50(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
    def conv(x: torch.Tensor, path: str, norm: str, stride: int = 1, pad: int = 0) -> torch.Tensor:
        x = F.conv2d(x, w[path + ".weight"], None, stride, pad)
        n = under(w, norm)
        parts = (n["running_mean"], n["running_var"], n["weight"], n["bias"])
        return F.batch_norm(x, *parts, eps=1e-5)

    x = F.max_pool2d(F.relu(conv(x, "stem", "batch_norm", 2, 3)), 3, 2, 1)
    for i, depth in enumerate((3, 4, 6, 3)):
        for j in range(depth):
            p, stride = f"layer.{i}.bottleneck.{j}.", 2 if i > 0 and j == 0 else 1
            y = F.relu(conv(x, p + "conv1", p + "norm1"))
            y = F.relu(conv(y, p + "conv2", p + "norm2", stride, 1))
            y = conv(y, p + "conv3", p + "norm3")
            if j == 0:
                x = conv(x, p + "downsample.conv2d", p + "downsample.batch_norm", stride)
            x = F.relu(x + y)
    return F.linear(x.mean((2, 3)), w["fc.weight"], w["fc.bias"])


@pytest.mark.parametrize(("fold", "most"), [(True, 122), (False, 175)])
def test_resnet50(fold: bool, most: int) -> None:
    checked = check_file(RESNET)
    weights = calm(random_weights(checked))
    data = export(checked, weights, fold_batch_norm=fold)
    nodes = Counter(nodes_of(data))
    assert nodes.total() <= most
    assert nodes["BatchNormalization"] == (0 if fold else 53)
    assert not nodes.keys() & {"Identity", "Slice", "Squeeze", "Flatten", "Reshape", "Transpose"}
    for batch, height, width in ((1, 33, 32), (2, 48, 63)):
        x = np.random.default_rng(batch).standard_normal((batch, 3, height, width), np.float32)
        expected = resnet50(torch.from_numpy(x), tensors(weights)).numpy()
        assert distance(run_onnxruntime(data, {"image": x})["logits"], expected) < TOLERANCE
        if fold:
            assert distance(run_reference(data, {"image": x})["logits"], expected) < TOLERANCE


def layer_norm(x: torch.Tensor, w: dict[str, torch.Tensor], eps: float) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], w["weight"], w["bias"], eps)


def linear(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
    return F.linear(x, w["weight"], w.get("bias"))


def gpt(tokens: torch.Tensor, w: dict[str, torch.Tensor], depth: int) -> torch.Tensor:
    time = tokens.shape[1]
    x = w["wte.weight"][tokens] + w["wpe"][:time]
    for k in range(depth):
        p = f"h.{k}."
        y = layer_norm(x, under(w, p + "layer_norm"), 1e-5)
        own = {f"y.{name}": value for name, value in under(w, p + "attention").items()}
        x = x + attend(y, y, y, own, 2, causal(time, time))
        y = linear(layer_norm(x, under(w, p + "layer_norm_1"), 1e-5), under(w, p + "up"))
        x = x + linear(F.gelu(y, approximate="tanh"), under(w, p + "down"))
    return layer_norm(x, under(w, "norm"), 1e-5) @ w["wte.weight"].T


@pytest.mark.parametrize("opset", [17, 20, 23])
def test_gpt(opset: int) -> None:
    checked = check(GPT.format(depth=3, dim=8, heads=2))
    weights = calm(random_weights(checked))
    data = export(checked, weights, opset=opset)
    assert ("Attention" in nodes_of(data)) == (opset >= 23)
    for sizes in ({"N": 1, "T": 6}, {"N": 3, "T": 7}):
        inputs = random_inputs(checked, sizes, ids=11)
        expected = gpt(torch.from_numpy(inputs["tokens"]), tensors(weights), 3).numpy()
        assert distance(run_onnxruntime(data, inputs)["logits"], expected) < TOLERANCE
        if opset >= 20:
            assert distance(run_reference(data, inputs)["logits"], expected) < TOLERANCE


def test_bert_agrees_in_both_runtimes_and_hides_what_is_masked() -> None:
    checked = check(BERT.format(depth=2, dim=8, heads=2))
    weights = calm(random_weights(checked))
    data = export(checked, weights)
    inputs = random_inputs(checked, {"N": 3, "T": 7}, ids=2)
    found = run_onnxruntime(data, inputs)
    for name, value in run_reference(data, inputs).items():
        assert distance(found[name], value) < TOLERANCE
    hidden = ~inputs["mask"]
    assert hidden.any()
    changed = dict(inputs, tokens=np.where(hidden, 10 - inputs["tokens"], inputs["tokens"]))
    again = run_onnxruntime(data, changed)["hidden"]
    seen = inputs["mask"]
    assert distance(again[seen], found["hidden"][seen]) < TOLERANCE
    assert distance(again[hidden], found["hidden"][hidden]) > 1e-2


@pytest.mark.parametrize("text", [GPT, BERT], ids=["gpt", "bert"])
def test_twelve_layers_of_a_transformer_take_few_nodes(text: str) -> None:
    checked = check(text.format(depth=12, dim=24, heads=2))
    nodes = Counter(nodes_of(export(checked, random_weights(checked))))
    assert nodes.total() <= 210, nodes
    assert not nodes.keys() & {"Identity", "Transpose", "MatMul"}
    assert nodes["Trilu"] + nodes["Where"] == 1  # one mask for all layers


def test_structures() -> None:
    checked = check(STRUCTURES)
    weights = random_weights(checked)
    w = tensors(weights)
    data = export(checked, weights)
    assert Counter(nodes_of(data))["BatchNormalization"] == 0
    for sizes in ({"N": 1, "H": 5, "W": 6}, {"N": 2, "H": 6, "W": 3}):
        inputs = random_inputs(checked, sizes, ids=2)
        x = torch.from_numpy(inputs["x"])
        for _ in range(2):
            x = F.conv2d(x, w["shared.weight"])
        parts = []
        for path in ("wide.a.conv", "wide.b.conv"):
            n = under(w, path + ".batch_norm")
            y = F.conv2d(x, w[path + ".conv2d.weight"], w[path + ".conv2d.bias"], 1, 1)
            stats = (n["running_mean"], n["running_var"], n["weight"], n["bias"])
            parts.append(F.relu(F.batch_norm(y, *stats, eps=1e-5)))
        x = torch.cat(parts, 1)
        x = F.relu(x) * torch.sigmoid(x) * x
        summed = F.relu(x) + torch.tanh(x)
        paths = [f"last.conv2d{end}" for end in ("", "_1")]
        deep = sum(F.conv2d(summed, w[p + ".weight"], w[p + ".bias"]) for p in paths)
        expected = {"deep": deep, "again": deep, "summed": summed}
        for run in (run_onnxruntime, run_reference):
            found = run(data, inputs)
            assert list(found) == list(expected)
            for name, value in expected.items():
                assert distance(found[name], value.numpy()) < TOLERANCE


def test_a_tied_weight_is_one_tensor_and_every_use_follows_it() -> None:
    checked = check(GPT.format(depth=1, dim=8, heads=2))
    weights = calm(random_weights(checked))
    model = onnx.load_from_string(export(checked, weights))
    shapes = [list(tensor.dims) for tensor in model.graph.initializer]
    assert shapes.count([11, 8]) == 1
    assert [8, 11] not in shapes
    inputs = random_inputs(checked, {"N": 2, "T": 5}, ids=11)
    for tensor in model.graph.initializer:
        if tensor.name == "wte.weight":
            doubled = onnx.numpy_helper.to_array(tensor) * 2
            tensor.CopyFrom(onnx.numpy_helper.from_array(doubled, tensor.name))
    weights["wte.weight"] *= 2
    expected = gpt(torch.from_numpy(inputs["tokens"]), tensors(weights), 1).numpy()
    found = run_onnxruntime(model.SerializeToString(), inputs)["logits"]
    assert distance(found, expected) < TOLERANCE


def test_a_tied_projection_stays_one_tensor() -> None:
    case = next(case for case in ATTENTION if case.name == "attention_tied")
    checked = spec(case.inputs, case.steps)
    model = onnx.load_from_string(export(checked, random_weights(checked)))
    names = [tensor.name for tensor in model.graph.initializer]
    assert sorted(
        tensor.dims[0] for tensor in model.graph.initializer if len(tensor.dims) == 2
    ) == [
        *(8, 8, 16)  # the tied one, the output, and key with value
    ]
    assert "q.weight" in names


def test_every_value_has_our_type_and_every_node_its_place() -> None:
    model = onnx.load_from_string(export(checked := check_file(RESNET), random_weights(checked)))
    graph = model.graph
    typed = {item.name: item for item in (*graph.value_info, *graph.output)}
    for node in graph.node:
        props = {item.key: item.value for item in node.metadata_props}
        assert re.fullmatch(r"resnet50\.yaml:\d+", props["dslc.source"]), node.name
        assert all(name in typed for name in node.output)
    shape = typed["layer.1.bottleneck.0.conv1"].type.tensor_type.shape
    assert [dim.dim_param or dim.dim_value for dim in shape.dim] == [
        *("N", 128, "(H + 3)//4", "(W + 3)//4")
    ]
    stem = next(node for node in graph.node if node.name == "stem")
    props = {item.key: item.value for item in stem.metadata_props}
    assert (props["dslc.path"], props["dslc.folded"]) == ("stem", "batch_norm")
    line = props["dslc.source"].split(":")[1]
    assert (
        Path(RESNET)
        .read_text(encoding="utf-8")
        .splitlines()[int(line) - 1]
        .startswith("  - conv2d: {out: 64")
    )
    props = {item.key: item.value for item in model.metadata_props}
    assert props["dslc.sha256"] == checked.program.digest
    assert props["dslc.where"] == "H >= 32; W >= 32"
    assert (model.ir_version, model.opset_import[0].version) == (10, 20)
    assert model.producer_name == "dslc"
