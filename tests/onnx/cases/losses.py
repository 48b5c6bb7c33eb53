"""Losses and metrics."""

import torch.nn.functional as F  # noqa: N812 - as everyone writes it

from tests.onnx.cases.base import Case, among, entropy

LOSSES = [
    Case(
        f"cross_entropy_{form}",
        {"x": types[0], "t": f"{dtype}{types[1]}"},
        f"- cross_entropy: {{axis: {axis}, label_smoothing: {smooth}}}\n  from: [x, t]\n  name: y",
        lambda i, w, axis=axis, smooth=smooth: entropy(i["x"], i["t"], axis, smooth),
    )
    for form, types, dtype, axis, smooth in (
        ("rank_2", ("f32[N, 5]", "[N]"), "i64", 1, 0),
        ("smooth", ("f32[N, 5]", "[N]"), "i32", 1, 0.1),
        ("image", ("f32[N, 5, H, W]", "[N, H, W]"), "i64", 1, 0.2),
        ("last", ("f32[N, T, 5]", "[N, T]"), "i64", -1, 0.1),
        ("first", ("f32[5, N, T]", "[N, T]"), "u8", 0, 0),
        ("middle", ("f32[N, T, 5, H]", "[N, T, H]"), "i64", 2, 0.1),
        ("rank_1", ("f32[5]", "[]"), "i64", 0, 0),
    )
] + [
    Case(
        "mse",
        {"x": "f32[N, T]", "t": "f32[N, T]"},
        "- mse:\n  from: [x, t]\n  name: y",
        lambda i, w: F.mse_loss(i["x"], i["t"]),
    ),
]

METRICS = [
    Case(
        f"{name}_{form}",
        {"x": types[0], "t": f"{dtype}{types[1]}"},
        f"- {step.format(axis=axis)}\n  from: [x, t]\n  name: y",
        lambda i, w, axis=axis, k=k: among(i["x"], i["t"], axis, k),
    )
    for name, step, k in (
        ("accuracy", "accuracy: {{axis: {axis}}}", 1),
        ("top_k_accuracy", "top_k_accuracy: {{k: 2, axis: {axis}}}", 2),
    )
    for form, types, dtype, axis in (
        ("rank_2", ("f32[N, 5]", "[N]"), "i64", 1),
        ("image", ("f32[N, 5, H, W]", "[N, H, W]"), "i32", 1),
        ("last", ("f32[N, T, 5]", "[N, T]"), "u8", -1),
    )
]
