"""Recurrent layers in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.ops.recurrent import Lstm
from dslc_torch.rules import RULES

if TYPE_CHECKING:
    from dslc.emit.context import OpContext


@RULES.add(Lstm)
def lstm(c: OpContext) -> dict[str, str]:
    width = c.size(c.types[0].shape[2])
    layer = c.layer(
        f"{c.helper('one_bias')}(nn.LSTM({width}, {c.attribute('hidden')}, batch_first=True))"
    )
    names = c.unpack_names("sequence", "last", "state")
    c.statement(f"{names['sequence']}, ({names['last']}, {names['state']}) = {layer}({c.x})")
    last, state = f"{names['last']}[0]", f"{names['state']}[0]"
    return {"": names["sequence"], "sequence": names["sequence"], "last": last, "state": state}
