"""Recurrent layers.

ONNX's operators want time first, gates in an order of their own (i, o, f, c of an LSTM, z, r, h of
a GRU) and both biases in one vector; the portable file has PyTorch's i, f, g, o and r, z, n.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ir.types import TensorType
from dslc.ops.recurrent import Gru, GruCell, Lstm, LstmCell, Rnn, RnnCell
from dslc_onnx.lowering import TIME_FIRST, Operand, form_name, form_type
from dslc_onnx.rules import RULES
from dslc_onnx.types import DTYPES

if TYPE_CHECKING:
    import onnx_ir as ir

    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result

OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
ORDER = {"rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


@RULES.add(Rnn, Lstm, Gru)
def recurrent(at: Lowering[Any]) -> Result:
    """A node for each layer; outputs that nothing reads are left out."""
    at.form = TIME_FIRST
    lengths = row_lengths(at)
    x, ends = at.input(), list[Any]()
    for layer in range(at.op.layers):
        suffixes = [f"_l{layer}", f"_l{layer}_reverse"][: at.op.directions]
        found = operator(at, x, suffixes, [lengths])
        at.graph.optional.update(found)
        top = layer + 1 == at.op.layers
        x, ends = joined_sequence(at, found[0], "" if top else f"layer_{layer}"), found[1:]
    results = [Operand(at.path, at.type, x, TIME_FIRST)]
    last = joined_end(at, ends[0], "last")
    state = joined_end(at, ends[1], "state") if len(ends) > 1 else last
    for name, value in (("last", last), ("state", state)):
        results.append(Operand(form_name(at.path, name), at.outputs[name], value))
    return results


def row_lengths(at: Lowering[Any]) -> ir.Value | None:
    """How many places of each row count, in i32."""
    given = at.operands[1] if len(at.operands) > 1 else None
    if given is None:
        return None
    value = at.convert(given, "")
    if given.type.dtype == "i32":
        return value
    type = given.type.with_dtype("i32")
    return at.emit("Cast", value, type=type, label="lengths", to=DTYPES["i32"].value)


def operator(
    at: Lowering[Any], x: ir.Value, suffixes: list[str], states: list[ir.Value | None]
) -> list[ir.Value]:
    """The node over `[T, N, D]`: all states `[T, directions, N, hidden]`, and the last ones."""
    kind, hidden = at.op.name.removesuffix("_cell"), at.known(at.op.hidden, "hidden")
    count = len(suffixes)
    time, batch = (1, at.type.shape[0]) if at.type.rank == 2 else at.type.shape[1::-1]
    options: dict[str, Any] = {"hidden_size": hidden}
    options |= {"direction": "bidirectional"} if count == 2 else {}
    options |= {"linear_before_reset": 1} if kind == "gru" else {}
    relu = at.op.values.get("activation") == "relu"
    options |= {"activations": ["Relu"] * count} if relu else {}
    last = TensorType(at.type.dtype, (count, batch, hidden))
    place = suffixes[0]
    outputs = [(f"{at.path}/Y{place}", last.with_shape(time, *last.shape))]
    outputs.append((f"{at.path}/Y_h{place}", last))
    outputs += [(f"{at.path}/Y_c{place}", last)] if kind == "lstm" else []
    inputs = [x, *weights(at, kind, suffixes), *states]
    return at.graph.node(OPERATORS[kind], inputs, outputs, options)


def weights(at: Lowering[Any], kind: str, suffixes: list[str]) -> list[ir.Value]:
    """W, R and B, each with an axis for the directions."""

    def stacked(*names: str) -> Any:
        rows = [np.concatenate([gates(at.array(n + s), kind) for n in names]) for s in suffixes]
        return np.stack(rows)

    parts = {"W": ("weight_ih",), "R": ("weight_hh",), "B": ("bias_ih", "bias_hh")}
    return [
        at.prepared(
            f"{label}{suffixes[0]}",
            [name + suffix for suffix in suffixes for name in names],
            lambda names=names: stacked(*names),
        )
        for label, names in parts.items()
    ]


def gates(array: Any, kind: str) -> Any:
    """Rows of PyTorch's gates in ONNX's order."""
    parts = np.split(array, len(ORDER[kind]))
    return np.concatenate([parts[place] for place in ORDER[kind]])


def joined_sequence(at: Lowering[Any], states: ir.Value, label: str) -> ir.Value:
    """`[T, directions, N, hidden]` as `[T, N, directions * hidden]`, the next layer's input."""
    whole = form_type(at.type, TIME_FIRST)
    if at.op.directions == 1:
        return at.emit("Squeeze", states, at.graph.integers(1), type=whole, label=label)
    time, batch, width = whole.shape
    apart = whole.with_shape(time, batch, 2, width // 2)
    place = f"{label}_turned" if label else "turned"
    turned = at.emit("Transpose", states, type=apart, label=place, perm=[0, 2, 1, 3])
    name = f"{at.path}/{label}" if label else form_name(at.path, TIME_FIRST)
    return at.sizes.reshape(turned, apart, whole, name)


def joined_end(at: Lowering[Any], state: ir.Value, label: str) -> ir.Value:
    """`[directions, N, hidden]` as `[N, directions * hidden]`."""
    whole = at.outputs[label]
    if at.op.directions == 1:
        return at.emit("Squeeze", state, at.graph.integers(0), type=whole, label=label)
    batch, width = whole.shape
    apart = whole.with_shape(batch, 2, width // 2)
    turned = at.emit("Transpose", state, type=apart, label=f"{label}_turned", perm=[1, 0, 2])
    return at.sizes.reshape(turned, apart, whole, f"{at.path}/{label}")


@RULES.add(RnnCell, LstmCell, GruCell)
def cell(at: Lowering[Any]) -> Result:
    """The operator over a time axis of one place."""
    axis = at.graph.integers(0)
    given: list[ir.Value | None] = []
    for position, operand in enumerate(at.operands):
        assert operand is not None
        one = operand.type.with_shape(1, *operand.type.shape)
        label = ("x", "hidden", "state")[position]
        given.append(at.emit("Unsqueeze", at.input(position), axis, type=one, label=f"{label}_in"))
    x, *states = given
    assert x is not None
    found = operator(at, x, [""], [None, *states])
    at.graph.optional.update(found)
    hidden = at.emit("Squeeze", found[1], axis)
    if not isinstance(at.op, LstmCell):
        return hidden
    type = at.outputs["state"]
    state = at.emit("Squeeze", found[2], axis, type=type, label="state")
    results = [Operand(at.path, at.type, hidden)]
    return [*results, Operand(form_name(at.path, "state"), type, state)]
