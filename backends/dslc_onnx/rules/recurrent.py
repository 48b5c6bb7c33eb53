"""Recurrent layers.

ONNX's `LSTM` wants time first, gates in the order i, o, f, c and both biases in one vector; the
portable file has PyTorch's i, f, g, o.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.ir.types import TensorType
from dslc.ops.recurrent import Lstm
from dslc_onnx.lowering import TIME_FIRST, Operand, form_name, form_type
from dslc_onnx.rules import RULES

if TYPE_CHECKING:
    from dslc_onnx.lowering import Lowering
    from dslc_onnx.rules import Result


@RULES.add(Lstm)
def lstm(at: Lowering[Lstm]) -> Result:
    """`LSTM` in one direction; outputs that nothing reads are left out."""
    at.form = TIME_FIRST
    hidden = at.known(at.op.hidden, "hidden")
    time, batch, _ = form_type(at.type, TIME_FIRST).shape
    dtype = at.type.dtype
    first, last = TensorType(dtype, (time, 1, batch, hidden)), TensorType(dtype, (1, batch, hidden))
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights = [
        at.prepared("W", names[:1], lambda: gates(at.array(names[0]))),
        at.prepared("R", names[1:2], lambda: gates(at.array(names[1]))),
        at.prepared("B", names[2:], lambda: joined_biases(at, names[2:])),
    ]
    outputs = [
        (f"{at.path}/{name}", type) for name, type in (("Y", first), ("Y_h", last), ("Y_c", last))
    ]
    found = at.graph.node("LSTM", [at.input(), *weights], outputs, {"hidden_size": hidden})
    at.graph.optional.update(found)
    axis = at.graph.integers(1)
    sequence = at.emit("Squeeze", found[0], axis)
    results = [Operand(at.path, at.type, sequence, TIME_FIRST)]
    for name, value in zip(("last", "state"), found[1:], strict=True):
        type = at.outputs[name]
        flat = at.emit("Squeeze", value, at.graph.integers(0), type=type, label=name)
        results.append(Operand(form_name(at.path, name), type, flat))
    return results


def gates(array: Any) -> Any:
    """Rows of i, f, g, o as i, o, f, c behind an axis for the direction."""
    i, f, g, o = np.split(array, 4)
    return np.concatenate([i, o, f, g])[None]


def joined_biases(at: Lowering[Lstm], names: tuple[str, ...]) -> Any:
    """Both biases in one row."""
    return np.concatenate([gates(at.array(name)) for name in names], axis=1)
