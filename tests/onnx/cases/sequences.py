"""Recurrent layers and attention."""

import torch.nn.functional as F  # noqa: N812 - as everyone writes it

from tests.onnx.cases.base import SEQUENCE, Case, attend, causal, lstm, one

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
        {"x": "f32[N, T, 8]", "c": "f32[N, P, 6]"},
        "- multi_head_attention: {heads: 2, causal: true}\n  from: [x, c]\n  name: y",
        lambda i, w: attend(i["x"], i["c"], i["c"], w, 2, causal(i["x"].shape[1], i["c"].shape[1])),
        where="P == T + 2",
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
