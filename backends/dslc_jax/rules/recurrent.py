"""Recurrent layers in JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.recurrent import Gru, GruCell, Lstm, LstmCell, Rnn, RnnCell
from dslc_jax.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext

GATES = {"lstm": ", gates=4", "gru": ", gates=3, second_bias=True"}


@RULES.add(Rnn, Lstm, Gru)
def recurrent(c: OpContext) -> dict[str, str]:
    lengths = c.arg(1)
    given = f"{c.x}, {lengths}" if lengths else c.x
    return c.unpack(f"{made(c)}({given})", ("sequence", "last", "state"))


def made(c: OpContext) -> str:
    """The layer; one of a single layer and direction has a class of its own."""
    width, hidden = c.size(c.types[0].shape[2]), c.attribute("hidden")
    options = c.option("layers", 1) + c.option("bidirectional", False)
    options += c.option("dropout", 0.0) + c.option("recurrent_dropout", 0.0)
    if not options and not c.shares_weights:
        relu = "Relu" if c.op.values.get("activation") == "relu" else ""
        kind = c.helper(f"{relu}{c.op.name.upper()}")
        return c.layer(f"{kind}({width}, {hidden}, rngs=rngs)")
    given = f"{step(c)}, {width}, {hidden}{GATES.get(c.op.name, '')}{options}"
    return c.layer(f"{c.helper('Recurrent')}({given}, rngs=rngs)")


def step(c: OpContext) -> str:
    """The helper that is one step."""
    kind = c.op.name.removesuffix("_cell")
    relu = "_relu" if c.op.values.get("activation") == "relu" else ""
    return c.helper(f"{kind}{relu}_step")


@RULES.add(RnnCell, LstmCell, GruCell)
def cell(c: OpContext) -> str | dict[str, str]:
    width, hidden = c.size(c.types[0].shape[1]), c.attribute("hidden")
    gates = GATES.get(c.op.name.removesuffix("_cell"), "")
    made = f"{c.helper('RecurrentCell')}({step(c)}, {width}, {hidden}{gates}, rngs=rngs)"
    code = f"{c.layer(made)}({', '.join(c.args)})"
    return c.unpack(code, ("hidden", "state")) if isinstance(c.op, LstmCell) else f"{code}[0]"
