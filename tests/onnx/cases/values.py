"""Shapes, places and arithmetic."""

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it

from tests.onnx.cases.base import IMAGE, SEQUENCE, Case, one

TENSORS = [
    Case("flatten", IMAGE, one("flatten:"), lambda i, w: i["x"].flatten(1), nodes=["Flatten"]),
    Case("flatten_2", IMAGE, one("flatten: 2"), lambda i, w: i["x"].flatten(2), nodes=["Reshape"]),
    Case("flatten_0", IMAGE, one("flatten: 0"), lambda i, w: i["x"].flatten(0)),
    Case(
        *("reshape", SEQUENCE, one("reshape: [N, T, 2, 3]")),
        lambda i, w: i["x"].unflatten(2, (2, 3)),
        nodes=["Reshape"],
    ),
    Case(
        *("reshape_moved", SEQUENCE, one("reshape: [T, N, -1]")),
        lambda i, w: i["x"].reshape(i["x"].shape[1], i["x"].shape[0], 6),
    ),
    Case(
        *("reshape_sizes", IMAGE, one("reshape: [W, 2 * H, 2 * N]")),
        lambda i, w: i["x"].reshape(i["x"].shape[3], 2 * i["x"].shape[2], -1),
    ),
    Case(
        *("transpose", IMAGE, one("transpose: [0, 2, 3, 1]")),
        lambda i, w: i["x"].permute(0, 2, 3, 1),
    ),
    Case(
        "concat",
        {"a": "f32[N, 4, H]", "b": "f32[N, 3, H]"},
        "- concat:\n  from: [a, b]\n  name: y",
        lambda i, w: torch.cat([i["a"], i["b"]], 1),
    ),
    Case(
        *("formula", SEQUENCE, one("expr: x * sigmoid(1.702 * x) + 1 / sqrt(T)")),
        lambda i, w: i["x"] * torch.sigmoid(1.702 * i["x"]) + i["x"].shape[1] ** -0.5,
    ),
    Case(
        "split_parts",
        {"x": "f32[N, E, 3]"},
        "- split: {parts: 2, axis: 1}\n  name: s\n- relu:\n  from: s.1\n  name: y",
        lambda i, w: F.relu(i["x"].chunk(2, 1)[1]),
        where="E % 2 == 0",
    ),
    Case(
        "split_sizes",
        SEQUENCE,
        "- split: {sizes: [1, 2, 3]}\n  name: s\n- relu:\n  from: s.2\n  name: y",
        lambda i, w: (F.relu(i["x"][..., 3:]), i["x"][..., :1]),
        outputs="y s",
    ),
    Case(
        "split_squeeze",
        {"x": "f32[N, 3, 4]"},
        "- split: {parts: 3, axis: 1, squeeze: true}\n  name: s\n- relu:\n  from: s.2\n  name: y",
        lambda i, w: F.relu(i["x"][:, 2]),
        nodes=["Gather", "Relu"],
    ),
    Case("slice_index", SEQUENCE, one("slice: {axis: 1, index: -1}"), lambda i, w: i["x"][:, -1]),
    Case(
        *("slice_symbolic_index", SEQUENCE, one("slice: {axis: 1, index: T // 2}")),
        lambda i, w: i["x"][:, i["x"].shape[1] // 2],
    ),
    Case(
        *("slice_range", SEQUENCE, one("slice: {axis: -1, start: 1, stop: -1, step: 2}")),
        lambda i, w: i["x"][..., 1:-1:2],
    ),
    Case(
        *("slice_symbolic_range", SEQUENCE, one("slice: {axis: 1, start: T // 2}")),
        lambda i, w: i["x"][:, i["x"].shape[1] // 2 :],
    ),
    Case(
        *("slice_negative_quotient", SEQUENCE, one("slice: {axis: 1, start: (T - 9) // 2 + 3}")),
        lambda i, w: i["x"][:, (i["x"].shape[1] - 9) // 2 + 3 :],
        where="T >= 4",
    ),
    Case("cast", SEQUENCE, one("cast: i32"), lambda i, w: i["x"].int()),
    Case("cast_bool", {"x": "i64[N, T]"}, one("cast: bool"), lambda i, w: i["x"].bool()),
    Case(
        "parameter",
        SEQUENCE,
        "- parameter: [3, 6]\n  name: p\n- matmul:\n  from: [x, q]\n  name: y".replace(
            "- matmul", "- transpose: [1, 0]\n  name: q\n- matmul"
        ),
        lambda i, w: i["x"] @ w["p"].T,
    ),
]

ARITHMETIC = [
    Case(
        "add",
        {"a": "f32[N, 4, H]", "b": "f32[4, 1]"},
        "- add:\n  from: [a, b]\n  name: y",
        lambda i, w: i["a"] + i["b"],
    ),
    Case(
        "add_three",
        {"a": "f32[N, 4]", "b": "f32[4]", "c": "f32[N, 1]"},
        "- add:\n  from: [a, b, c]\n  name: y",
        lambda i, w: i["a"] + i["b"] + i["c"],
        nodes=["Sum"],
    ),
    Case(
        "add_three_integers",
        {"a": "i64[4]", "b": "i64[N, 1]", "c": "i64[N, 4]"},
        "- add:\n  from: [a, b, c]\n  name: y",
        lambda i, w: i["a"] + i["b"] + i["c"],
        nodes=["Add", "Add"],
    ),
    Case(
        "mul",
        {"a": "f32[N, 4]", "b": "f32[4]", "c": "f32[N, 1]"},
        "- mul:\n  from: [a, b, c]\n  name: y",
        lambda i, w: i["a"] * i["b"] * i["c"],
    ),
    Case("reduce_mean", IMAGE, one("reduce_mean: [1, 3]"), lambda i, w: i["x"].mean((1, 3))),
    Case("reduce_mean_all", IMAGE, one("reduce_mean:"), lambda i, w: i["x"].mean()),
    Case(
        *("reduce_sum", IMAGE, one("reduce_sum: {axis: -1, keep: true}")),
        lambda i, w: i["x"].sum(-1, keepdim=True),
    ),
    Case("reduce_sum_all", IMAGE, one("reduce_sum:"), lambda i, w: i["x"].sum()),
    Case(
        "add_what_rows_cannot_say",
        {"x": "f32[N, T, 6]", "b": "f32[T, 6]"},
        "- linear: 6\n  name: a\n- add:\n  from: [a, b]\n- linear: 3\n  name: y",
        lambda i, w: F.linear(
            F.linear(i["x"], w["a.weight"], w["a.bias"]) + i["b"], w["y.weight"], w["y.bias"]
        ),
    ),
    Case(
        "rows_stay_rows",
        SEQUENCE,
        "- linear: 6\n  name: a\n- softmax: 1\n  name: s\n- relu:\n  from: a\n- linear: 3\n  name: y",
        lambda i, w: (
            F.linear(
                F.relu(F.linear(i["x"], w["a.weight"], w["a.bias"])), w["y.weight"], w["y.bias"]
            ),
            F.softmax(F.linear(i["x"], w["a.weight"], w["a.bias"]), 1),
        ),
        outputs="y s",
        nodes=[
            *("Reshape", "Gemm", "Shape", "Concat", "Reshape", "Softmax"),
            *("Relu", "Gemm", "Concat", "Reshape"),
        ],
    ),
    Case(
        "add_on_rows",
        {"x": "f32[N, T, 6]", "b": "f32[6]"},
        "- linear: 6\n  name: a\n- add:\n  from: [x, a, b]\n- layer_norm\n- linear: 3\n  name: y",
        lambda i, w: F.linear(
            F.layer_norm(
                i["x"] + F.linear(i["x"], w["a.weight"], w["a.bias"]) + i["b"],
                *((6,), w["layer_norm.weight"], w["layer_norm.bias"]),
            ),
            *(w["y.weight"], w["y.bias"]),
        ),
    ),
]
