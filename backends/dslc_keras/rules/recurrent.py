"""Recurrent layers in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.recurrent import Gru, GruCell, Lstm, LstmCell, Rnn, RnnCell
from dslc_keras.layers import is_stacked, named, option
from dslc_keras.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.functions_context import FunctionContext

KINDS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


@RULES.add(Rnn, Lstm, Gru)
def recurrent(c: FunctionContext) -> str | dict[str, str]:
    options = [option(c, "recurrent_dropout", 0.0), activation(c)]
    several = [option(c, "layers", 1, "depth"), option(c, "bidirectional", False)]
    lengths = c.arg(1)
    if is_stacked(c.found, seeded=c.is_seeded):
        kind = f'"{KINDS[c.op.name]}"'
        options = [kind, c.attribute("hidden"), *several, option(c, "dropout", 0.0), *options]
        call = f"{c.x}, {lengths}" if lengths else c.x
        return unpacked(c, named(c, c.helper("Recurrent"), *options, call=call))
    options = [c.attribute("hidden"), *options, start(c)]
    return plain(c, options) if lengths is None else ragged(c, options)


def activation(c: FunctionContext) -> str:
    """The function of a plain recurrent layer, where it is not Keras's own default."""
    return 'activation="relu"' if c.op.values.get("activation") == "relu" else ""


def start(c: FunctionContext) -> str:
    """How a layer of bf16 starts: TensorFlow makes no orthogonal matrix of those."""
    is_short = c.types[0].dtype == "bf16"
    return 'recurrent_initializer="glorot_uniform"' if is_short else ""


def plain(c: FunctionContext, options: list[str]) -> str | dict[str, str]:
    """One layer in one direction, over all places."""
    layer, all_states = f"layers.{KINDS[c.op.name]}", "return_sequences=True"
    sequences = c.reads("", "sequence")
    last, state = c.reads("last"), c.reads("state")
    if not isinstance(c.op, Lstm):
        last, state = last + state, 0
    if c.is_called_again:  # for other outputs, maybe
        return unpacked(c, named(c, layer, *options, all_states, "return_state=True"))
    if sequences <= 1 and not last and not state:
        text = named(c, layer, *options, all_states)
        return {"": text, "sequence": text}
    if last <= 1 and not sequences and not state:
        text = named(c, layer, *options)
        return {"last": text, "state": text}
    every = all_states if sequences else ""
    return unpacked(c, named(c, layer, *options, every, "return_state=True"), bool(sequences))


def ragged(c: FunctionContext, options: list[str]) -> dict[str, str]:
    """The same over rows with lengths: behind these the states stay, and all of them are zeros."""
    x, mask = c.variable(), c.body.fresh_variable("mask")
    c.statement(f"{mask} = {c.helper('Within')}()({x}, {c.arg(1)})")
    sequences = c.reads("", "sequence") or c.is_called_again
    options += ["return_sequences=True"] if sequences else []
    layer = f"layers.{KINDS[c.op.name]}"
    call = f"{x}, mask={mask}"
    if not c.reads("last", "state") and not c.is_called_again:
        text = named(c, layer, *options, call=call)
        return dict.fromkeys(("", "sequence"), f"ops.where({mask}[:, :, None], {text}, 0.0)")
    texts = unpacked(c, named(c, layer, *options, "return_state=True", call=call), bool(sequences))
    if c.reads("", "sequence"):
        c.statement(f"{texts['']} = ops.where({mask}[:, :, None], {texts['']}, 0.0)")
    return texts


def unpacked(c: FunctionContext, text: str, sequences: bool = True) -> dict[str, str]:
    """The outputs in variables; without all states the first of them is the last one."""
    names = c.unpack_names("sequence", "last", "state")
    first, second, third = names.values()
    ends = [second, third]
    if not isinstance(c.op, Lstm):
        second = third = third if second == "_" else second
        ends = [second]
    if not sequences:
        first, ends[0] = second, "_"
    c.statement(f"{first}, {', '.join(ends)} = {text}")
    return {"": first, "sequence": first, "last": second, "state": third}


@RULES.add(RnnCell, LstmCell, GruCell)
def cell(c: FunctionContext) -> str | dict[str, str]:
    kind = KINDS[c.op.name.removesuffix("_cell")]
    x, *states = c.args
    call = f"{x}, [{', '.join(states)}]"
    options = (c.attribute("hidden"), activation(c), start(c))
    text = named(c, f"layers.{kind}Cell", *options, call=call)
    if not isinstance(c.op, LstmCell):
        return f"{text}[0]"
    names = c.unpack_names("hidden", "state")
    c.statement(f"{names['hidden']}, [_, {names['state']}] = {text}")
    return {"": names["hidden"], **names}
