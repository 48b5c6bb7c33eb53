"""Recurrent layers in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.recurrent import Gru, GruCell, Lstm, LstmCell, Rnn, RnnCell
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext

KINDS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}


@RULES.add(Rnn, Lstm, Gru)
def recurrent(c: OpContext) -> dict[str, str]:
    code = run(c, made(c))
    names = c.unpack_names("sequence", "last", "state")
    sequence, last, state = names.values()
    if isinstance(c.op, Lstm):
        c.statement(f"{sequence}, ({last}, {state}) = {code}")
    else:
        last = state = state if last == "_" else last
        c.statement(f"{sequence}, {last} = {code}")
    ends = {"last": top(c, last), "state": top(c, state)}
    return {"": sequence, "sequence": sequence, **ends}


def made(c: OpContext) -> str:
    """The layer, made in the constructor."""
    values = c.op.values
    options = [c.size(c.types[0].shape[2]), c.attribute("hidden"), "batch_first=True"]
    if c.attribute("layers") != "1":
        options.insert(2, f"num_layers={c.attribute('layers')}")
        options.append(c.option("dropout", 0.0)[2:])
    options += ['nonlinearity="relu"'] if values.get("activation") == "relu" else []
    options += ["bidirectional=True"] if values["bidirectional"] else []
    text = f"nn.{KINDS[c.op.name]}({', '.join(text for text in options if text)})"
    text = text if isinstance(c.op, Gru) else f"{c.helper('one_bias')}({text})"
    if is_dropping(c):
        text = f"{c.helper('dropping')}({text}{rate(c)})"
    return c.layer(text)


def is_dropping(c: OpContext) -> bool:
    """Whether the layer drops what PyTorch's own does not, or not by the numbers of others."""
    return bool(c.op.values["recurrent_dropout"]) or (c.is_seeded and bool(c.op.draws))


def rate(c: OpContext) -> str:
    """How much of the state it drops."""
    return f", {c.attribute('recurrent_dropout')}" if c.op.values["recurrent_dropout"] else ""


def run(c: OpContext, layer: str) -> str:
    """The call of the layer."""
    lengths = c.arg(1)
    if is_dropping(c):
        given = [layer, c.x, *([lengths] if lengths else [])]
        return f"{c.helper('run_dropping')}({', '.join(given)})"
    if not lengths:
        return f"{layer}({c.x})"
    called = f"lambda packed: {layer}(packed, None)" if c.untied else layer
    return f"{c.helper('run_padded')}({called}, {c.x}, {lengths})"


def top(c: OpContext, state: str) -> str:
    """The state of the last layer, both directions of it."""
    if c.op.values["bidirectional"]:
        return f"torch.cat(({state}[-2], {state}[-1]), dim=-1)"
    return f"{state}[0]" if c.attribute("layers") == "1" else f"{state}[-1]"


@RULES.add(RnnCell, LstmCell, GruCell)
def cell(c: OpContext) -> str | dict[str, str]:
    kind = KINDS[c.op.name.removesuffix("_cell")]
    relu = ', nonlinearity="relu"' if c.op.values.get("activation") == "relu" else ""
    text = f"nn.{kind}Cell({c.size(c.types[0].shape[1])}, {c.attribute('hidden')}{relu})"
    layer = c.layer(text if isinstance(c.op, GruCell) else f"{c.helper('one_bias')}({text})")
    if isinstance(c.op, LstmCell):
        x, hidden, state = c.args
        return c.unpack(f"{layer}({x}, ({hidden}, {state}))", ("hidden", "state"))
    return f"{layer}({', '.join(c.args)})"
