"""The table of cases: an op's step, its inputs, and what PyTorch's functions make of them.

Each judge is written from the op's documentation and PyTorch's functional names, and shares nothing
with the rules. Sizes are tried in pairs, odd and even.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - as everyone writes it

Judge = Callable[[dict[str, Any], dict[str, Any]], Any]


class Case:
    """One row.

    Args:
        name: What is tried.
        inputs: Types by name.
        steps: The steps; the outputs are the steps that `outputs` names.
        judge: From inputs and weights (as tensors) to the outputs, in order.
        ids: What integer inputs stay below.
        where: Facts that the spec needs.
        reference: Whether ONNX's reference evaluator is a judge here.
        nodes: The operators that are expected, where the case says so.
    """

    def __init__(
        self,
        name: str,
        inputs: dict[str, str],
        steps: str,
        judge: Judge,
        *,
        ids: int = 5,
        outputs: str = "y",
        where: str = "",
        reference: bool = True,
        nodes: list[str] | None = None,
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.steps = steps
        self.judge = judge
        self.ids = ids
        self.outputs = outputs
        self.where = where
        self.reference = reference
        self.nodes = nodes

    def __repr__(self) -> str:
        return self.name


IMAGE = {"x": "f32[N, 4, H, W]"}
SEQUENCE = {"x": "f32[N, T, 6]"}
BIG = "H >= 5, W >= 5"


def one(step: str) -> str:
    """The one step of a spec, named y."""
    return f"- {step}\n  name: y"


def same(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """The padding of `same`, the odd element after."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def padded(x: Any, kernel: int, stride: int, dilation: int = 1, value: float = 0.0) -> Any:
    """An image with the padding of `same` around it."""
    sides = [same(size, kernel, stride, dilation) for size in x.shape[:1:-1]]
    return F.pad(x, [side for pair in sides for side in pair], value=value)


def average(x: Any, kernel: int, stride: int, *, counted: bool) -> Any:
    """Average pooling with `same` padding, which counts or not."""
    total = F.avg_pool2d(padded(x, kernel, stride), kernel, stride)
    if counted:
        return total
    return total / F.avg_pool2d(padded(torch.ones_like(x), kernel, stride), kernel, stride)


def norm(x: Any, w: dict[str, Any], *, affine: bool = True) -> Any:
    """Batch norm of a step named y."""
    scale = (w["y.weight"], w["y.bias"]) if affine else (None, None)
    return F.batch_norm(x, w["y.running_mean"], w["y.running_var"], *scale, eps=1e-3)


def added_norm(x: Any, w: dict[str, Any]) -> Any:
    """A value and its batch norm by a step named n."""
    return x + norm(x, {"y" + name[1:]: value for name, value in w.items()})


def lstm(x: Any, w: dict[str, Any], path: str = "y") -> tuple[Any, Any, Any]:
    """PyTorch's own LSTM with a step's weights: all hidden states, the last, the last cell."""
    hidden = w[f"{path}.weight_hh_l0"].shape[1]
    module = torch.nn.LSTM(x.shape[2], hidden, batch_first=True)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    module.load_state_dict({name: w[f"{path}.{name}"] for name in names})
    sequence, (last, state) = module(x)
    return sequence.detach(), last[0].detach(), state[0].detach()


def attend(
    q: Any, k: Any, v: Any, w: dict[str, Any], heads: int, mask: Any = None, *, bias: bool = True
) -> Any:
    """Attention by PyTorch's scaled dot product; `mask` is boolean, true where attended."""

    def part(name: str, x: Any) -> Any:
        mapped = F.linear(x, w[f"y.{name}.weight"], w[f"y.{name}.bias"] if bias else None)
        return mapped.unflatten(2, (heads, -1)).transpose(1, 2)

    parts = (part("query", q), part("key", k), part("value", v))
    seen = F.scaled_dot_product_attention(*parts, attn_mask=mask).transpose(1, 2).flatten(2)
    return F.linear(seen, w["y.out.weight"], w["y.out.bias"] if bias else None)


def causal(time: int, places: int) -> Any:
    """Query t sees keys up to t + S - T."""
    return torch.ones(time, places, dtype=torch.bool).tril(places - time)


def entropy(logits: Any, target: Any, axis: int = 1, smoothing: float = 0.0) -> Any:
    """Cross entropy with the classes on any axis."""
    moved = logits.movedim(axis, -1).reshape(-1, logits.shape[axis])
    return F.cross_entropy(moved, target.reshape(-1).long(), label_smoothing=smoothing)


def among(logits: Any, target: Any, axis: int, k: int) -> Any:
    """The share of places whose target has fewer than k larger logits."""
    moved = logits.movedim(axis, -1).reshape(-1, logits.shape[axis])
    own = moved.gather(1, target.reshape(-1, 1).long())
    return ((moved > own).sum(1) < k).float().mean()


def activation(name: str, step: str, function: Callable[[Any], Any]) -> Case:
    """A case of a function of each element."""
    return Case(name, SEQUENCE, one(step), lambda i, w: function(i["x"]))


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
        "split_parts",
        {"x": "f32[N, 2 * T, 3]"},
        "- split: {parts: 2, axis: 1}\n  name: s\n- relu:\n  from: s.1\n  name: y",
        lambda i, w: F.relu(i["x"].chunk(2, 1)[1]),
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

RECURRENT = [
    Case(
        *("lstm", SEQUENCE, one("lstm: 5")),
        lambda i, w: lstm(i["x"], w)[0],
        nodes=["Transpose", "LSTM", "Squeeze", "Transpose"],
    ),
    Case(
        *("lstm_last", SEQUENCE, "- lstm: 5\n  name: r\n- relu:\n  from: r.last\n  name: y"),
        lambda i, w: F.relu(lstm(i["x"], w, "r")[1]),
        nodes=["Transpose", "LSTM", "Squeeze", "Relu"],
    ),
    Case(
        *("lstm_state", SEQUENCE, "- lstm: 5\n  name: r\n- relu:\n  from: r.state\n  name: y"),
        lambda i, w: F.relu(lstm(i["x"], w, "r")[2]),
        reference=False,  # the evaluator has no cell state
    ),
    Case(
        *("lstm_stack", SEQUENCE, "- lstm: 5\n  name: a\n- lstm: 4\n  name: y"),
        lambda i, w: lstm(lstm(i["x"], w, "a")[0], w)[0],
        nodes=["Transpose", "LSTM", "Squeeze", "LSTM", "Squeeze", "Transpose"],
    ),
]

CROSS = {"x": "f32[N, T, 8]", "c": "f32[N, S, 6]"}
ATTENTION = [
    Case(
        *("attention", {"x": "f32[N, T, 8]"}, one("multi_head_attention: 2")),
        lambda i, w: attend(i["x"], i["x"], i["x"], w, 2),
    ),
    Case(
        "attention_head_dim",
        {"x": "f32[N, T, 8]"},
        one("multi_head_attention: {heads: 3, head_dim: 5, projection_bias: false}"),
        lambda i, w: attend(i["x"], i["x"], i["x"], w, 3, bias=False),
    ),
    Case(
        *(
            "attention_causal",
            {"x": "f32[N, T, 8]"},
            one("multi_head_attention: {heads: 2, causal: true}"),
        ),
        lambda i, w: attend(*[i["x"]] * 3, w, 2, causal(*[i["x"].shape[1]] * 2)),
    ),
    Case(
        "attention_cross_causal",
        {"x": "f32[N, T, 8]", "c": "f32[N, T + 2, 6]"},
        "- multi_head_attention: {heads: 2, causal: true}\n  from: [x, c]\n  name: y",
        lambda i, w: attend(i["x"], i["c"], i["c"], w, 2, causal(i["x"].shape[1], i["c"].shape[1])),
    ),
    Case(
        "attention_cross_causal_free",
        CROSS,
        "- multi_head_attention: {heads: 2, causal: true}\n  from: [x, c]\n  name: y",
        lambda i, w: attend(i["x"], i["c"], i["c"], w, 2, causal(i["x"].shape[1], i["c"].shape[1])),
        where="S >= T",
    ),
    Case(
        "attention_tied",
        {"x": "f32[N, T, 8]"},
        "- linear: {out: 8, bias: false}\n  name: q\n- multi_head_attention: 2\n  name: y\n"
        "  tie: {query.weight: q.weight}",
        lambda i, w: attend(
            *[F.linear(i["x"], w["q.weight"])] * 3, {**w, "y.query.weight": w["q.weight"]}, 2
        ),
    ),
    Case(
        "attention_three_values",
        {**CROSS, "v": "f32[N, S, 5]"},
        "- multi_head_attention: 2\n  from: [x, c, v]\n  name: y",
        lambda i, w: attend(i["x"], i["c"], i["v"], w, 2),
    ),
    Case(
        "attention_mask",
        {"x": "f32[N, T, 8]", "m": "bool[N, T]"},
        "- multi_head_attention: {heads: 2, causal: true}\n  from: {query: x, mask: m}\n  name: y",
        lambda i, w: attend(
            *[i["x"]] * 3, w, 2, i["m"][:, None, None] & causal(*[i["x"].shape[1]] * 2)
        ),
    ),
    Case(
        "attention_mask_rank_4",
        {**CROSS, "m": "bool[N, 2, T, S]"},
        "- multi_head_attention: 2\n  from: {query: x, key: c, mask: m}\n  name: y",
        lambda i, w: attend(i["x"], i["c"], i["c"], w, 2, i["m"]),
    ),
]

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

GROUPS = {
    "metric": METRICS,
    "activation": ACTIVATIONS,
    "linear": LINEAR,
    "norm": NORMS,
    "pool": POOLS,
    "tensor": TENSORS,
    "arithmetic": ARITHMETIC,
    "recurrent": RECURRENT,
    "attention": ATTENTION,
    "loss": LOSSES,
}
CASES = [case for group in GROUPS.values() for case in group]
