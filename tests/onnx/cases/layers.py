"""Layers with weights, activations and pools."""

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it

from tests.onnx.cases.base import (
    BIG,
    IMAGE,
    SEQUENCE,
    Case,
    activation,
    added_norm,
    average,
    norm,
    one,
    padded,
)

ACTIVATIONS = [
    activation("relu", "relu:", F.relu),
    activation("leaky_relu", "leaky_relu: 0.3", lambda x: F.leaky_relu(x, 0.3)),
    activation("gelu", "gelu:", F.gelu),
    activation("gelu_tanh", "gelu: tanh", lambda x: F.gelu(x, approximate="tanh")),
    activation("silu", "silu:", F.silu),
    activation("sigmoid", "sigmoid:", torch.sigmoid),
    activation("tanh", "tanh:", torch.tanh),
    activation("softmax", "softmax:", lambda x: F.softmax(x, -1)),
    activation("softmax_axis", "softmax: 1", lambda x: F.softmax(x, 1)),
    activation("log_softmax", "log_softmax:", lambda x: F.log_softmax(x, -1)),
    activation("log_softmax_axis", "log_softmax: -2", lambda x: F.log_softmax(x, 1)),
    activation("dropout", "dropout: 0.3", lambda x: x),
]

LINEAR = [
    Case(
        *("linear_rank_2", {"x": "f32[N, 6]"}, one("linear: 5")),
        lambda i, w: F.linear(i["x"], w["y.weight"], w["y.bias"]),
        nodes=["Gemm"],
    ),
    Case(
        *("linear_rank_3", SEQUENCE, one("linear: 5")),
        lambda i, w: F.linear(i["x"], w["y.weight"], w["y.bias"]),
        nodes=["MatMul", "Add"],
    ),
    Case(
        *("linear_rank_4", {"x": "f32[N, T, 3, 6]"}, one("linear: {out: 5, bias: false}")),
        lambda i, w: F.linear(i["x"], w["y.weight"]),
        nodes=["MatMul"],
    ),
    Case(
        *("linear_rank_1", {"x": "f32[6]"}, one("linear: 5")),
        lambda i, w: F.linear(i["x"], w["y.weight"], w["y.bias"]),
    ),
    Case(
        *("linear_chain", SEQUENCE, "- linear: 8\n- gelu\n" + one("linear: 5")),
        lambda i, w: F.linear(
            F.gelu(F.linear(i["x"], w["linear.weight"], w["linear.bias"])),
            w["y.weight"],
            w["y.bias"],
        ),
    ),
    Case(
        *(
            "conv1d",
            {"x": "f32[N, 4, L]"},
            one("conv1d: {out: 6, kernel: 3, padding: 2, stride: 2}"),
        ),
        lambda i, w: F.conv1d(i["x"], w["y.weight"], w["y.bias"], 2, 2),
    ),
    Case(
        *("conv2d", IMAGE, one("conv2d: {out: 6, kernel: 3}")),
        lambda i, w: F.conv2d(i["x"], w["y.weight"], w["y.bias"]),
        where=BIG,
    ),
    Case(
        "conv2d_groups_dilation",
        IMAGE,
        one(
            "conv2d: {out: 6, kernel: [3, 2], dilation: 2, groups: 2, padding: [1, 2], bias: false}"
        ),
        lambda i, w: F.conv2d(i["x"], w["y.weight"], None, 1, (1, 2), 2, 2),
        where=BIG,
    ),
    Case(
        *("conv2d_same", IMAGE, one("conv2d: {out: 6, kernel: 4, padding: same, dilation: 2}")),
        lambda i, w: F.conv2d(padded(i["x"], 4, 1, 2), w["y.weight"], w["y.bias"], dilation=2),
        where=BIG,
    ),
    Case(
        *(
            "conv2d_same_stride",
            IMAGE,
            one("conv2d: {out: 6, kernel: 3, padding: same, stride: 2}"),
        ),
        lambda i, w: F.conv2d(padded(i["x"], 3, 2), w["y.weight"], w["y.bias"], 2),
    ),
    Case(
        *(
            "conv2d_same_long_stride",
            IMAGE,
            one("conv2d: {out: 6, kernel: 2, padding: same, stride: 3}"),
        ),
        lambda i, w: F.conv2d(padded(i["x"], 2, 3), w["y.weight"], w["y.bias"], 3),
    ),
    Case(
        "conv2d_same_stride_known",
        {"x": "f32[N, 4, 7, 8]"},
        one("conv2d: {out: 6, kernel: 3, padding: same, stride: 2}"),
        lambda i, w: F.conv2d(padded(i["x"], 3, 2), w["y.weight"], w["y.bias"], 2),
    ),
    Case(
        *("depthwise", IMAGE, one("depthwise_conv2d: {kernel: 3, padding: 1, multiplier: 2}")),
        lambda i, w: F.conv2d(i["x"], w["y.weight"], w["y.bias"], 1, 1, 1, 4),
    ),
    Case(
        *("embedding", {"x": "i64[N, T]"}, one("embedding: {vocab: 5, dim: 3}")),
        lambda i, w: w["y.weight"][i["x"]],
    ),
    Case(
        *("embedding_u8", {"x": "u8[N, T]"}, one("embedding: {vocab: 5, dim: 3}")),
        lambda i, w: w["y.weight"][i["x"].long()],
    ),
    Case(
        "matmul",
        {"a": "f32[N, 2, T, 6]", "b": "f32[2, 6, H]"},
        "- matmul:\n  from: [a, b]\n  name: y",
        lambda i, w: i["a"] @ i["b"],
    ),
]

NORMS = [
    Case(
        *("batch_norm", IMAGE, one("batch_norm: {eps: 1e-3}")),
        lambda i, w: norm(i["x"], w),
        nodes=["BatchNormalization"],
    ),
    Case(
        *("batch_norm_plain", IMAGE, one("batch_norm: {eps: 1e-3, affine: false}")),
        lambda i, w: norm(i["x"], w, affine=False),
    ),
    Case(
        *("batch_norm_rank_2", {"x": "f32[N, 6]"}, one("batch_norm: {eps: 1e-3}")),
        lambda i, w: norm(i["x"], w),
    ),
    Case(
        "batch_norm_folds",
        IMAGE,
        "- conv2d: {out: 6, kernel: 1}\n  name: c\n" + one("batch_norm: {eps: 1e-3}"),
        lambda i, w: norm(F.conv2d(i["x"], w["c.weight"], w["c.bias"]), w),
        nodes=["Conv"],
    ),
    Case(
        "batch_norm_folds_into_linear",
        {"x": "f32[N, 6]"},
        "- linear: {out: 5, bias: false}\n  name: c\n" + one("batch_norm: {eps: 1e-3}"),
        lambda i, w: norm(F.linear(i["x"], w["c.weight"]), w),
        nodes=["Gemm"],
    ),
    Case(
        "batch_norm_beside_another_use",
        IMAGE,
        "- conv2d: {out: 6, kernel: 1}\n  name: c\n" + one("batch_norm: {eps: 1e-3}"),
        lambda i, w: (
            norm(F.conv2d(i["x"], w["c.weight"], w["c.bias"]), w),
            F.conv2d(i["x"], w["c.weight"], w["c.bias"]),
        ),
        outputs="y c",
        nodes=["Conv", "BatchNormalization"],
    ),
    Case(
        "batch_norm_beside_a_use_inside",
        IMAGE,
        "- conv2d: {out: 6, kernel: 1}\n  name: c\n- batch_norm: {eps: 1e-3}\n  name: n\n"
        "- add:\n  from: [n, c]\n  name: y",
        lambda i, w: added_norm(F.conv2d(i["x"], w["c.weight"], w["c.bias"]), w),
        nodes=["Conv", "BatchNormalization", "Add"],
    ),
    Case(
        *("layer_norm", SEQUENCE, one("layer_norm: {eps: 1e-3}")),
        lambda i, w: F.layer_norm(i["x"], (6,), w["y.weight"], w["y.bias"], 1e-3),
    ),
    Case(
        *("layer_norm_no_bias", SEQUENCE, one("layer_norm: {bias: false}")),
        lambda i, w: F.layer_norm(i["x"], (6,), w["y.weight"]),
    ),
    Case(
        *("rms_norm", SEQUENCE, one("rms_norm: {eps: 1e-3}")),
        lambda i, w: F.rms_norm(i["x"], (6,), w["y.weight"], 1e-3),
    ),
]

POOLS = [
    Case(
        *("max_pool2d", IMAGE, one("max_pool2d: {kernel: 3, stride: 2, padding: 1}")),
        lambda i, w: F.max_pool2d(i["x"], 3, 2, 1),
    ),
    Case(
        *("max_pool2d_same", IMAGE, one("max_pool2d: {kernel: 3, stride: 2, padding: same}")),
        lambda i, w: F.max_pool2d(padded(i["x"], 3, 2, value=-1e9), 3, 2),
    ),
    Case(
        *("avg_pool2d", IMAGE, one("avg_pool2d: {kernel: 3, stride: 2, padding: 1}")),
        lambda i, w: F.avg_pool2d(i["x"], 3, 2, 1, count_include_pad=False),
    ),
    Case(
        "avg_pool2d_counted",
        IMAGE,
        one("avg_pool2d: {kernel: 3, stride: 2, padding: 1, count_padding: true}"),
        lambda i, w: F.avg_pool2d(i["x"], 3, 2, 1, count_include_pad=True),
    ),
    Case(
        *("avg_pool2d_same", IMAGE, one("avg_pool2d: {kernel: 3, stride: 2, padding: same}")),
        lambda i, w: average(i["x"], 3, 2, counted=False),
    ),
    Case(
        "avg_pool2d_same_counted",
        IMAGE,
        one("avg_pool2d: {kernel: 3, stride: 2, padding: same, count_padding: true}"),
        lambda i, w: average(i["x"], 3, 2, counted=True),
    ),
    Case(
        *("global_avg_pool", IMAGE, one("global_avg_pool:")),
        lambda i, w: i["x"].mean((2, 3)),
        nodes=["ReduceMean"],
    ),
]
