"""Recurrent layers in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.recurrent import Lstm
from dslc_keras.layers import named
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext


@RULES.add(Lstm)
def lstm(c: FunctionContext) -> str | dict[str, str]:
    hidden = c.attribute("hidden")
    sequences = c.reads("", "sequence")
    last, state = c.reads("last"), c.reads("state")
    if sequences <= 1 and not last and not state:
        text = named(c, "layers.LSTM", hidden, "return_sequences=True")
        return {"": text, "sequence": text}
    if last <= 1 and not sequences and not state:
        return {"last": named(c, "layers.LSTM", hidden)}
    every = "return_sequences=True" if sequences else ""
    names = c.unpack_names("sequence", "last", "state")
    text = named(c, "layers.LSTM", hidden, every, "return_state=True")
    first = names["sequence"] if sequences else names["last"]
    third = names["state"]
    second = names["last"] if sequences else "_"
    c.statement(f"{first}, {second}, {third} = {text}")
    return {"": names["sequence"], **names}
